// Training kernels for fully connected layers, dense and sparse, and the step of a whole chain of them, without any library behind them.
//
// A *panel* holds 64 examples feature by feature: float [features][CS_PANEL], each feature's 64 values in a row, aligned to 64 bytes. A
// batch is one panel or several; whatever follows its last example is padding, which is 0 in gradients and so contributes nothing. A
// sparse layer's weights are the *values* of the entries that its structure names, in the structure's order; pruned ones are not stored.
//
// All forms of the kernels that use fused multiply-adds (avx2, avx512, neon) add in the same order and so give the same bits, and so does
// any division of the work into shares. Pointers are borrowed and never NULL unless stated otherwise; sizes are trusted. Kernels neither
// allocate, lock nor keep state.
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
// Rows of which sums are kept together (see dense_update); each form's tiles divide it.
enum { CS_REACH = 6 };
// Counts the versions of the kernels that train, of convolutions' too (CSparseConvolution.h): to be raised with any change of the bits
// of a sum, so that a training which goes on with other ones can say so. 1 knew no convolutions.
enum { CS_GENERATION = 2 };

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

// A layer that stores all its weights, row by row.
typedef struct {
  uint32_t row_count, column_count;
  uint32_t stride;                  // values from row to row, a multiple of 16; those beyond column_count are 0
  const uint16_t *_Nullable keep;  // [row_count · stride / 16]: bit j of word i is 1 if value 16·i + j is kept; NULL if all are
} cs_matrix;

// Panels at equal distances.
typedef struct {
  float *values;
  size_t distance;  // values from panel to panel
  uint32_t count;
} cs_panels;

// What a thread computes: from ..< to of the rows, or the columns, in the order of their list.
typedef struct {
  uint32_t from, to;
} cs_share;

// Weights, their gradients and moments, at equal indices. `second` is used by Adam alone, `gradient` by the weights of sparse layers and by
// CS_STORE.
typedef struct {
  float *weights, *gradient, *first, *second;
} cs_parameters;

// What becomes of gradients: they are stored, or applied by an optimizer.
enum { CS_STORE, CS_SGD, CS_ADAM, CS_ADAM_WITH_DECAY };
typedef struct {
  int32_t kind;
  float beta1, beta2, rest1, rest2, epsilon, size, root, shrink, decay, direct, moving;
} cs_step;

// v ← μv + g + λw; w ← w − η·v, or with Nesterov momentum w ← w − η·(g + λw + μv).
cs_step cs_step_sgd(double learning_rate, double momentum, double weight_decay, int32_t nesterov);
// Adam with bias correction for step `number`, 1 for the first; if decoupled is nonzero, with AdamW's weight decay.
cs_step cs_step_adam(
  double learning_rate, double beta1, double beta2, double epsilon, double weight_decay, int32_t decoupled, int64_t number);

typedef struct {
  double loss;      // summed over the examples, in nats
  uint32_t correct;  // examples whose first largest logit is their label's
} cs_outcome;

// Examples as bytes or as float values; input i of an example has the value scale[i]·element + offset[i].
typedef struct {
  const uint8_t *_Nullable bytes;  // [examples][size]; NULL for floats
  const float *_Nullable floats;   // [examples][size]; NULL for bytes
  size_t size;
  const float *scale, *offset;  // [size]
} cs_images;

typedef struct {
  const char *name;

  // Sparse layers. y = W·x + bias, then max(y, 0) if relu is nonzero; bias may be NULL.
  void (*_Nonnull forward)(
    const cs_structure *layer, const float *values, const float *_Nullable bias, cs_panels x, cs_panels y, cs_share rows, int32_t relu);
  // The step of the entries of some rows: gradient = Σ_examples dy[row]·x[column] (SDDMM).
  void (*_Nonnull update)(
    const cs_structure *layer, cs_panels dy, cs_panels x, cs_share rows, const cs_step *step, cs_parameters parameters);
  // dx = Wᵀ·dy, then 0 where activation ≤ 0 (the ReLU that produced x; laid out as dx); activation may be NULL.
  void (*_Nonnull input_gradient)(
    const cs_structure *layer, const float *values, cs_panels dy, const float *_Nullable activation, cs_panels dx, cs_share columns);

  // The same for dense layers.
  void (*_Nonnull dense_forward)(
    const cs_matrix *layer, const float *values, const float *_Nullable bias, cs_panels x, cs_panels y, cs_share rows, int32_t relu);
  // scratch: [panels][CS_PANEL][CS_PANEL]. reach, if given: [⌈row_count/CS_REACH⌉][stride], for every CS_REACH rows Σ_row gradient·weight of
  // each column, by the weights before the step; shares then begin at multiples of CS_REACH.
  void (*_Nonnull dense_update)(
    const cs_matrix *layer, cs_panels dy, cs_panels x, uint32_t examples, cs_share rows, const cs_step *step, cs_parameters parameters,
    float *scratch, float *_Nullable reach);
  void (*_Nonnull dense_input_gradient)(
    const cs_matrix *layer, const float *values, cs_panels dy, const float *_Nullable activation, cs_panels dx, cs_share columns);

  // x[row] *= factors[row] for some rows.
  void (*_Nonnull scale)(cs_panels x, const float *factors, cs_share rows);

  // The step of the biases of rows[share]: gradient = Σ_examples dy[row].
  void (*_Nonnull bias_update)(
    const uint16_t *rows, cs_share share, cs_panels dy, const cs_step *step, cs_parameters parameters);
  // The step of elements from ..< to, whose gradients are stored.
  void (*_Nonnull take)(const cs_step *step, cs_parameters parameters, size_t from, size_t to);

  // panel[input] = the values of the inputs in these groups in the examples at `positions`; 0 in the padding. Group g has the inputs
  // 16·g ..< 16·g + 16. count ≤ CS_PANEL.
  void (*_Nonnull gather)(
    const cs_images *images, const int64_t *positions, uint32_t count, const uint16_t *groups, uint32_t group_count, float *panel);

  // Cross-entropy of softmax against (1 − smoothing)·label + smoothing/classes; gradient = scale·(softmax − target), 0 in the padding;
  // gradient may be NULL. count ≤ CS_PANEL, labels in 0 ..< classes.
  cs_outcome (*_Nonnull cross_entropy)(
    const float *logits, uint32_t classes, const int64_t *labels, uint32_t count, double smoothing, double scale,
    float *_Nullable gradient);
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

// Threads that work together, of which the calling one is the first. Between calls the others wait, at first awake: a step is shorter
// than it takes to wake a sleeping thread.
typedef struct cs_team cs_team;
// A team of `count` threads; NULL if the system does not provide them.
cs_team *_Nullable cs_team_new(uint32_t count);
void cs_team_free(cs_team *team);
// Keeps each thread of the team on a processor of its own, of those that the process may use but for the first, which is left to the caller's
// thread. 0 if there are too few of them or the system cannot.
int32_t cs_team_pin(cs_team *team);
// From now on only the first `count` members work, 1 at least.
void cs_team_use(cs_team *team, uint32_t count);
// How many work.
uint32_t cs_team_count(const cs_team *team);
// Calls work(context, member, team) for each member 0 ..< count at once and returns when all have. One call at a time.
void cs_team_run(cs_team *team, void (*work)(void *context, uint32_t member, cs_team *team), void *context);
// Waits, within `work`, until all members have come here.
void cs_team_wait(cs_team *team);

// A layer of a chain: sparse, or dense.
typedef struct {
  const cs_structure *_Nullable structure;  // NULL for a dense layer
  cs_matrix matrix;                         // of a dense layer
  uint32_t input_count, output_count;
  size_t values;                            // index of the first weight in the parameters
  size_t bias;                              // index of the first bias, one for each output
  int32_t has_bias;
  const uint16_t *bias_rows;                // [bias_count]: the outputs whose bias is trained
  uint32_t bias_count;
  const cs_share *rows;                     // [share_count]: shares of the live rows
  const cs_share *columns;                  // [share_count]: shares of the live columns
  // If its inputs are multiplied by factors, which takes dense layers throughout: [input_count]; and room for the sums of dense_update.
  const float *_Nullable factors;
  float *_Nullable reach;
} cs_chain_layer;

// A chain input → (linear → ReLU)* → linear in training.
typedef struct {
  const cs_kernels *kernels;
  cs_team *team;
  uint32_t layer_count, share_count;
  const cs_chain_layer *layers;
  const uint16_t *groups;       // [group_count]: the groups of 16 inputs of which the first layer reads any
  uint32_t group_count;
  cs_parameters parameters;
  float *_Nonnull const *_Nonnull inputs;   // [members]: panels of the inputs
  float *_Nonnull const *_Nonnull outputs;  // [layer_count]: panels of each layer's outputs
  float *_Nonnull const *_Nonnull deltas;   // [layer_count]: gradients of the loss with respect to them
  float *_Nonnull const *_Nonnull scratch;  // [members]: [panels][CS_PANEL][CS_PANEL] and, for evaluations, two panels of the widest layer
  cs_outcome *outcomes;                         // [panels]
} cs_chain;

// Examples of a batch or a set: positions[i] is the image of example i, labels[i] its class.
typedef struct {
  cs_images images;
  const int64_t *positions, *labels;
  uint32_t count;
  uint32_t following;  // so many positions more follow in the same array: the next examples to be asked for
} cs_examples;

// The loss of a batch, summed, and its gradient with respect to the logits, of the mean.
cs_outcome cs_chain_loss(const cs_chain *chain, const cs_examples *examples, double smoothing);
// The step of all layers for the batch of the preceding cs_chain_loss, of `count` examples.
void cs_chain_step(const cs_chain *chain, uint32_t count, const cs_step *step);
// The gradient of the loss with respect to a layer's factors, from the step before: [input_count]. It is 0 where a factor is 0.
void cs_chain_factor_gradient(const cs_chain *chain, uint32_t layer, float *gradient);
// The loss over a whole set, without factors. panels: the set's panels of all inputs, or NULL; outcomes: [panels].
cs_outcome cs_chain_evaluate(
  const cs_chain *chain, const cs_examples *examples, const float *_Nonnull const *_Nullable panels, cs_outcome *outcomes);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#include "CSparseConvolution.h"

#endif
