// Training kernels for sparse fully connected layers, without any library behind them.
//
// A *panel* holds 64 examples feature by feature: float [features][CS_PANEL], each feature's 64 values in a row, aligned to 64 bytes. A
// batch is one panel or several; whatever follows its last example is padding, which is 0 in gradients and so contributes nothing. A
// layer's weights are the *values* of the entries that its structure names, in the structure's order; pruned weights are not stored.
//
// All forms of the kernels that use fused multiply-adds (avx2, avx512, neon) add in the same order and so give the same bits. Pointers
// are borrowed and never NULL unless stated otherwise; sizes are trusted. Nothing allocates, locks or keeps state.
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

// The weights of a layer that exist, by rows (units) within blocks of columns (inputs) that fit into the first-level cache, and by
// columns.
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

  // y = W·x + bias, then max(y, 0) if relu is nonzero; bias may be NULL.
  void (*_Nonnull forward)(
    const cs_structure *layer, const float *values, const float *_Nullable bias, const float *x, float *y, int32_t relu);

  // gradient[i] = Σ_examples dy[row of i]·x[column of i] (SDDMM), added to the present values if accumulate is nonzero.
  void (*_Nonnull weight_gradient)(const cs_structure *layer, const float *dy, const float *x, float *gradient, int32_t accumulate);

  // gradient[row] = Σ_examples dy[row] for the given rows only, added to the present values if accumulate is nonzero.
  void (*_Nonnull bias_gradient)(const uint16_t *rows, uint32_t count, const float *dy, float *gradient, int32_t accumulate);

  // dx = Wᵀ·dy, then 0 where activation ≤ 0 (the ReLU that produced x); activation may be NULL.
  void (*_Nonnull input_gradient)(
    const cs_structure *layer, const float *values, const float *dy, const float *_Nullable activation, float *dx);

  // Cross-entropy of softmax against (1 − smoothing)·label + smoothing/classes; gradient = scale·(softmax − target), 0 in the padding;
  // gradient may be NULL. count ≤ CS_PANEL, labels in 0 ..< classes.
  cs_outcome (*_Nonnull cross_entropy)(
    const float *logits, uint32_t classes, const int64_t *labels, uint32_t count, double smoothing, double scale,
    float *_Nullable gradient);

  // v ← μv + g + λw; w ← w − η·v, or with Nesterov momentum w ← w − η·(g + λw + μv).
  void (*_Nonnull sgd)(float *weights, const float *gradient, float *velocity, size_t count, const cs_sgd_options *options);

  // Adam with bias correction; if decoupled is nonzero, with AdamW's weight decay.
  void (*_Nonnull adam)(
    float *weights, const float *gradient, float *first, float *second, size_t count, const cs_adam_options *options);

  // panel[input] = table[channel of input][byte] of the images at `positions`, for the given inputs only; 0 in the padding. images: [..,
  // size] bytes; the channel of an input is input / area; table: [channels][256]; count ≤ CS_PANEL.
  void (*_Nonnull gather)(
    const uint8_t *images, size_t size, const int64_t *positions, uint32_t count, const uint16_t *inputs, uint32_t input_count, size_t area,
    const float *table, float *panel);
} cs_kernels;

// The forms of the kernels, from slowest to fastest.
enum { CS_PORTABLE, CS_NEON, CS_AVX2, CS_AVX512, CS_FORM_COUNT };
// NULL if this machine, or this build, lacks the form.
const cs_kernels *_Nullable cs_kernels_of_form(int32_t form);

// values[i] = dense[positions[i]], and the reverse.
void cs_collect(const float *dense, const uint32_t *positions, size_t count, float *values);
void cs_distribute(const float *values, const uint32_t *positions, size_t count, float *dense);

// From now on this thread's arithmetic reads and writes denormals as 0; returns the previous mode, for cs_denormals_restore.
uint64_t cs_denormals_flush(void);
void cs_denormals_restore(uint64_t mode);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
