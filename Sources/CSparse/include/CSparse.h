// Training kernels for fully connected layers with few weights. No library stands behind them.
//
// A *panel* holds 64 examples feature by feature: float [features][CS_PANEL], each feature's 64 values in a row, aligned to 64 bytes.
// A batch is one panel or several; what lies behind its last example is padding, which is 0 in gradients and so counts for nothing.
// A layer's weights are the *values* of the entries that its structure names, in the structure's order; pruned weights do not exist.
//
// Every form of the kernels that computes with fused multiply-adds (avx2, avx512, neon) adds in the same order and so gives the same bits.
// Pointers are borrowed and never NULL unless it is said; sizes are trusted. Nothing allocates, locks or keeps state.
#ifndef CSPARSE_H
#define CSPARSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

enum { CS_PANEL = 64 };
// The most rows and columns that 16-bit indices reach.
enum { CS_MAXIMUM_FEATURES = 65535 };

// Which weights of a layer exist, by rows (units) within blocks of columns (inputs) that fit into the first-level cache, and by columns.
typedef struct {
  uint32_t row_count;             // live rows: the only ones that are computed
  uint32_t column_count;          // live columns: the only ones whose gradients are computed
  uint32_t block_count;
  const uint16_t *rows;           // [row_count], ascending: where a live row lies in its panel
  const uint16_t *columns;        // [column_count], ascending
  const uint32_t *starts;         // [block_count · row_count + 1]: entries of block b and live row k from starts[b · row_count + k] on
  const uint16_t *column;         // [entries]: the column of each
  const uint32_t *column_starts;  // [column_count + 1]
  const uint16_t *row;            // by columns: the row of each
  const uint32_t *entry;          // by columns: which value it has
} cs_structure;

typedef struct {
  double learning_rate, momentum, weight_decay;
  int32_t nesterov;
} cs_sgd_options;

typedef struct {
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  int32_t decoupled;
  int64_t step;  // 1 for the first
} cs_adam_options;

typedef struct {
  double loss;      // summed over the examples, in nats
  uint32_t correct;  // examples whose first largest logit is their label's
} cs_outcome;

typedef struct {
  const char *name;

  // y = W·x + bias, then max(y, 0) if relu; bias may be NULL.
  void (*_Nonnull forward)(
    const cs_structure *layer, const float *values, const float *_Nullable bias, const float *x, float *y, int32_t relu);

  // gradient[i] = Σ_examples dy[row of i]·x[column of i] (SDDMM), added to what is there if accumulate.
  void (*_Nonnull weight_gradient)(const cs_structure *layer, const float *dy, const float *x, float *gradient, int32_t accumulate);

  // gradient[row] = Σ_examples dy[row] for these rows only, added to what is there if accumulate.
  void (*_Nonnull bias_gradient)(const uint16_t *rows, uint32_t count, const float *dy, float *gradient, int32_t accumulate);

  // dx = Wᵀ·dy, then 0 where activation ≤ 0 (the ReLU that made x); activation may be NULL.
  void (*_Nonnull input_gradient)(
    const cs_structure *layer, const float *values, const float *dy, const float *_Nullable activation, float *dx);

  // Cross-entropy of softmax against (1 − smoothing)·label + smoothing/classes; gradient = scale·(softmax − target), 0 in the padding;
  // gradient may be NULL. count ≤ CS_PANEL, labels in 0 ..< classes.
  cs_outcome (*_Nonnull cross_entropy)(
    const float *logits, uint32_t classes, const int64_t *labels, uint32_t count, double smoothing, double scale,
    float *_Nullable gradient);

  // v ← μv + g + λw; w ← w − η·v, or with Nesterov w − η·(g + λw + μv).
  void (*_Nonnull sgd)(float *weights, const float *gradient, float *velocity, size_t count, const cs_sgd_options *options);

  // Adam with bias correction; decoupled: AdamW's weight decay.
  void (*_Nonnull adam)(
    float *weights, const float *gradient, float *first, float *second, size_t count, const cs_adam_options *options);

  // panel[input] = table[channel of input][byte] of the images at `positions`, for these inputs only; 0 in the padding.
  // images: [.., size] bytes; an input's channel is input / area; table: [channels][256]; count ≤ CS_PANEL.
  void (*_Nonnull gather)(
    const uint8_t *images, size_t size, const int64_t *positions, uint32_t count, const uint16_t *inputs, uint32_t input_count, size_t area,
    const float *table, float *panel);
} cs_kernels;

// The forms of the kernels, the later the faster.
enum { CS_PORTABLE, CS_NEON, CS_AVX2, CS_AVX512, CS_FORM_COUNT };
// NULL where this machine, or this build, has no such form.
const cs_kernels *_Nullable cs_kernels_of_form(int32_t form);

// values[i] = dense[positions[i]], and back.
void cs_collect(const float *dense, const uint32_t *positions, size_t count, float *values);
void cs_distribute(const float *values, const uint32_t *positions, size_t count, float *dense);

// From now on this thread takes and gives denormals as 0; returns the mode before, for cs_denormals_restore.
uint64_t cs_denormals_flush(void);
void cs_denormals_restore(uint64_t mode);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
