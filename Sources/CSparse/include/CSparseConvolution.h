// Training of pruned convolutions: the forward pass and the input's gradient are a sum of shifted maps (CSparseInference.h), the latter with
// the filters turned round; here is the rest, the gradient of the weights that are kept, and the way into maps and back.
#ifndef CSPARSE_CONVOLUTION_H
#define CSPARSE_CONVOLUTION_H

#include "CSparseInference.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// A map of 16 examples a group: [margin][groups][channels][rows][columns][16] and a margin. Sizes count positions of 16 values.
typedef struct {
  float *values;
  size_t margin, channel, row;
  uint32_t groups, channels, height, width;
} cs_turned_map;

// Images with their channels last, [count][height][width][channels], to and from a map. With a stride, a map has `down` · `right` times the
// images' channels: pixel (i, j) lies at (i / down, j / right) of the channels number (i % down · right + j % right).
typedef struct {
  float *rows;
  uint32_t count, height, width, channels, down, right;
  cs_turned_map map;
} cs_turn_rows_step;

// gradients[i] = Σ dy[o][t]·x[t + offset of i], over all positions of the tiles. The filters' values are not read.
typedef struct {
  cs_filters filters;
  const float *x, *dy;
  float *gradients;
  size_t unit, x_row, dy_row, dy_channel;
  const cs_tile *tiles;      // y: where a tile begins in dy
  uint32_t tile_count;
  const uint32_t *shares;    // [members + 1]: the outputs of each member
} cs_kept_gradient_step;

typedef struct {
  const char *name;
  uint32_t sparse_vectors;    // the most vectors of a tile of `sparse`
  uint32_t gradient_vectors;  // the most of `kept_gradient`
  void (*_Nonnull sparse)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull kept_gradient)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull pack_rows)(const void *step, uint32_t member, uint32_t members);
  void (*_Nonnull unpack_rows)(const void *step, uint32_t member, uint32_t members);
} cs_convolutions;

// NULL if this machine, or this build, lacks the form.
const cs_convolutions *_Nullable cs_convolutions_of_form(int32_t form);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
