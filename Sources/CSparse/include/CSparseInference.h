// Kernels that run pruned networks, without any library behind them.
//
// The values of a layer lie in a *map*: [groups][channels][rows][columns][lanes], where 16 lanes hold 16 examples side by side, or 1 lane a
// lone example. Rows and channels are further apart than they need be, and what lies between them is 0: that is the padding of those who
// read the map. Every kernel keeps it so.
//
// A convolution is a sum of shifted maps: y[o][t] = Σ w·x[t + offset], with one offset for each tap of each input channel, in *positions*
// (pixels of all channels in a row). So a weight costs one broadcast and one multiply-add for each vector of 16 values, whatever the
// kernel's size, its dilation and groups, and a weight that is 0 costs nothing because it is not there.
//
// Pointers are borrowed; sizes are trusted, as the program that makes the steps has checked them. Kernels neither allocate, lock nor keep state.
#ifndef CSPARSE_INFERENCE_H
#define CSPARSE_INFERENCE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

struct cs_team;

typedef struct {
  float *values;                // the first pixel of the first channel
  size_t group, channel, row;   // values from each group, channel, row to the next
  uint32_t groups, channels, height, width;
  uint32_t lanes;               // values of a pixel: 16 or 1
} cs_map;

// Part of a map that is computed at once, in registers: `rows` × `columns` vectors of 16 values. x, y and z: where they begin in the input,
// the output and what is added.
typedef struct {
  size_t x, y, z;
  uint8_t rows, columns;
  const uint16_t *_Nullable masks;  // [rows · columns]: bit l is 1 if lane l is a pixel; NULL if all are
} cs_tile;

// What becomes of a sum before it is stored: z is added, then it is held between low and high.
typedef struct {
  const float *_Nullable bias;  // [outputs]
  const float *_Nullable z;     // the added map's first value
  size_t z_channel;
  float low, high;
} cs_finish;

// The weights of a layer that exist, by outputs within blocks of offsets.
typedef struct {
  uint32_t outputs, blocks;
  const uint32_t *bases;     // [blocks]: the first offset of a block
  const uint32_t *starts;    // [blocks · outputs + 1]
  const uint16_t *offsets;   // [weights], ascending for each output of a block, counted from the block's first
  const float *values;       // [weights]
} cs_filters;

// y = W * x. Offsets count `unit` values.
typedef struct {
  cs_filters filters;
  cs_finish finish;
  const float *x;
  float *y;
  size_t unit, x_row, y_row, z_row, y_channel;
  const cs_tile *tiles;
  uint32_t tile_count;
  int32_t is_pooled;                 // whether y is the maximum of each 2 × 2 pixels; tiles then have even sides
  float *_Nullable sums;             // [members][outputs][vectors of a tile]: a tile's sums between blocks, where there are several
  size_t member;                     // values from a member's sums to the next's
  const uint32_t *_Nullable shares;  // [members + 1]: the outputs of each member where tiles are few; else NULL
} cs_sparse_step;

// The same with all weights: [outputs][inputs of a group][taps].
typedef struct {
  const float *weights;
  cs_finish finish;
  const float *x;
  float *y;
  uint32_t outputs, groups, inputs, taps, block;  // inputs: of a group; block: how many of them at a time
  const uint32_t *offsets;                        // [taps], in positions
  size_t unit, x_channel, y_channel;
  const cs_tile *tiles;                           // of one row
  uint32_t tile_count;
  int32_t by_outputs;                             // whether members share outputs rather than tiles
} cs_dense_step;

// The weights of a layer that are left in blocks: `rows` consecutive outputs times `points` positions of the input, the same for all blocks as
// seen from each one's offset. Blocks lie by groups of `rows` outputs within spans of offsets; a last group's outputs that do not exist have
// weights of 0.
typedef struct {
  uint32_t outputs, spans, rows, points;  // rows: 1, 2 or 4
  const uint32_t *deltas;    // [points]: positions from a block's offset
  const uint32_t *bases;     // [spans]: the first offset of a span
  const uint32_t *starts;    // [spans · ⌈outputs/rows⌉ + 1]
  const uint16_t *offsets;   // [blocks], counted from the span's first
  const float *values;       // [blocks][points][rows]
} cs_blocks;

// y = W * x for such weights.
typedef struct {
  cs_blocks blocks;
  cs_finish finish;
  const float *x;
  float *y;
  const size_t *places;  // [points]: deltas in values
  int32_t runs;          // whether each three points are neighbouring vectors
  size_t unit, x_row, y_row, z_row, y_channel;
  const cs_tile *tiles;
  uint32_t tile_count;
  const uint32_t *_Nullable shares;  // [members + 1]: the groups of outputs of each member where tiles are few; else NULL
} cs_block_step;

// The same for a lone example's vector.
typedef struct {
  cs_blocks blocks;
  cs_finish finish;
  const float *x;
  float *y;
  size_t y_channel;
  int32_t adjacent;        // whether all points are neighbours
  const uint32_t *shares;  // [members + 1]
} cs_block_vector_step;

// A lone example's vector: y = W·x + bias, each weight read once.
typedef struct {
  cs_filters filters;
  cs_finish finish;
  const float *x;
  float *y;
  size_t y_channel;
  const uint32_t *shares;  // [members + 1]
} cs_sparse_vector_step;

// The same with weights in the order in which 16 outputs at once can use them: each turn takes a weight of each of 16 outputs, or 0, all of
// which read one window of 32 values, from where each takes its own.
typedef struct {
  uint32_t outputs;
  const uint32_t *starts;    // [⌈outputs/16⌉ + 1]: turns of each 16 outputs
  const uint32_t *windows;   // [turns]: a turn reads values window ..< window + 32
  const uint8_t *places;     // [turns][16]: within the window
  const float *values;       // [turns][16]
} cs_turns;

typedef struct {
  cs_turns turns;
  cs_finish finish;
  const float *x;
  float *y;
  size_t y_channel;
  const uint32_t *shares;  // [members + 1]: groups of 16 outputs
} cs_turn_step;

typedef struct {
  const float *weights;  // [outputs][inputs]
  cs_finish finish;
  const float *x;        // [inputs]
  float *y;
  size_t y_channel;
  uint32_t outputs, inputs;
} cs_dense_vector_step;

// Maximum or mean over windows: output row i reads rows from[i] ..< to[i], and so do columns.
typedef struct {
  cs_map x, y;
  const uint32_t *row_from, *row_to, *column_from, *column_to;
  const float *row_share, *column_share;  // a mean's factor is their product
  // Where all windows of columns are alike, but for being cut at the borders: column j reads column_step·j + column_start and those behind,
  // column_size of them. A step of 0 if they are not, or not 1 or 2.
  uint32_t column_step, column_size;
  int32_t column_start;
  int32_t is_mean;
  float low, high;
} cs_pool_step;

// Elementwise functions.
enum {
  CS_IDENTITY, CS_SIGMOID, CS_TANH, CS_SILU, CS_GELU, CS_GELU_TANH, CS_ELU, CS_HARD_SIGMOID, CS_HARD_SWISH, CS_SOFTPLUS, CS_MISH, CS_ABSOLUTE,
  CS_SLOPE
};
// y = f(scale·x + shift) of each channel, then held between low and high.
typedef struct {
  cs_map x, y;
  const float *_Nullable scale, *_Nullable shift, *_Nullable slope;  // [channels]
  int32_t function;
  float alpha, low, high;
} cs_map_step;

// y = a + b, a − b or a·b, then held between low and high; b may have 1×1 pixels.
enum { CS_ADD, CS_SUBTRACT, CS_MULTIPLY };
typedef struct {
  cs_map a, b, y;
  int32_t operation;
  float low, high;
} cs_pair_step;

// Norms of single examples. Of groups of channels over all pixels, or of all channels at each pixel, the mean
// and the variance of `count` values, of which those that are not there are 0: y = scale·(x − mean)/√(variance + epsilon) + shift. Softmax:
// eˣ/Σeˣ over all channels at each pixel. Local response: x/(k + alpha/size·Σx²)^beta over `size` neighbouring channels.
enum { CS_GROUP_NORM, CS_CHANNEL_NORM, CS_SOFTMAX, CS_LOCAL_RESPONSE };
typedef struct {
  cs_map x, y;
  int32_t kind;
  uint32_t groups, size;
  float count, epsilon, alpha, beta, k;
  const float *_Nullable scale, *_Nullable shift;  // [channels]
} cs_norm_step;

// A pixel of y is Σ share·x[at] over `taps` pixels of the same channel, or the channel's token where that is −1.
typedef struct {
  cs_map x, y;
  uint32_t taps;
  const ptrdiff_t *at;              // [pixels of y][taps], row by row: values from a channel's first
  const float *_Nullable shares;    // [pixels of y][taps]; NULL for one tap of share 1
  const float *_Nullable token;     // [channels]
} cs_resample_step;

// y = x + a number for each channel and pixel.
typedef struct {
  cs_map x, y;
  const float *numbers;  // [channels][pixels]
} cs_offset_step;

// Channel c of y is a channel of some map, shifted and thinned: y[i][j] = x[step·i + down][step·j + right], 0 beyond x.
typedef struct {
  const float *_Nullable x;  // the channel's first value; NULL for zeros
  size_t group, row;
  int32_t height, width, down, right, down_step, right_step;
} cs_source;
typedef struct {
  cs_map y;
  const cs_source *sources;  // [channels]
} cs_copy_step;

// Channel c of y is made of rows · columns channels of x, of one phase each: y[i][j] = x[i / rows][j / columns] of phase (i mod rows,
// j mod columns). The phases of a group of channels stand one after another.
typedef struct {
  cs_map x, y;
  uint32_t rows, columns, groups;
} cs_interleave_step;

// The most vectors of queries whose scores wait for each other: keys and values are read once for all of them.
enum { CS_QUERY_VECTORS = 12 };

// y = softmax(scale·q·kᵀ + bias)·v in each head of each window; with parts, pairs of different parts have 100 less. Cosines: queries and keys
// are divided by their lengths. Maps begin at the first channel that is read.
typedef struct {
  cs_map q, k, v, y;
  uint32_t heads, key_width, value_width, windows, queries, keys;  // queries and keys: of a window
  const size_t *q_at, *y_at;           // [windows][queries]: values from a channel's first, ascending within a window
  const size_t *k_at, *v_at;           // [windows][keys]
  const float *scales;                 // [heads]
  const float *_Nullable bias;         // [heads][keys][queries], and 15 more
  const int32_t *_Nullable parts;      // [windows][queries], and 15 more
  int32_t is_cosine;
  int32_t keys_lie_together, values_lie_together;  // whether there is one window, side by side, that can be read where it is
  float *scratch;                      // [members][scratch_size]
  size_t scratch_size;                 // at least 16·CS_QUERY_VECTORS·(key_width + keys) + (key_width + value_width)·(keys·lanes, whole vectors)
} cs_attention_step;

// Examples in rows, [examples][channels][height][width], to and from a map.
typedef struct {
  const float *const _Nonnull *_Nonnull source;  // where the address of the first example will stand
  cs_map y;
  const uint32_t *count;                         // where the number of examples will stand
} cs_pack_step;
typedef struct {
  cs_map x;
  float *_Nonnull const *_Nonnull target;
  const uint32_t *count;
} cs_unpack_step;

// A step of a network, and the function that computes a member's share of it.
typedef struct {
  void (*_Nonnull run)(const void *step, uint32_t member, uint32_t members);
  const void *step;
} cs_stage;

// Carries out steps in their order; with a team, each by all its members, otherwise by the caller in the name of `members`, one after another.
void cs_stages_run(struct cs_team *_Nullable team, const cs_stage *stages, uint32_t count, uint32_t members);

// Seconds of a clock that only goes forward.
double cs_seconds(void);

typedef struct {
  const char *name;
  uint32_t sparse_vectors;  // the most vectors of a sparse layer's tile
  uint32_t dense_vectors;   // the most of a dense layer's
  uint32_t block_vectors[3];  // the most of a tile of blocks of 1, 2 and 4 outputs
  void (*_Nonnull sparse)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull dense)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull sparse_vector)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull blocks)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull block_vector)(const void *step, uint32_t member, uint32_t members);
  // NULL where a form cannot look values up fast.
  void (*_Nullable turns)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull dense_vector)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull pool)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull map)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull pair)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull norm)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull resample)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull offset)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull copy)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull interleave)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull attention)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull pack)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull unpack)(const void *step, uint32_t member, uint32_t members);
} cs_inference;

// NULL if this machine, or this build, lacks the form.
const cs_inference *_Nullable cs_inference_of_form(int32_t form);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
