// All kernels of one form. A form includes this after setting FORM (its name as an identifier), the tiles that its registers hold, and
// the instruction set by `#pragma clang attribute`.
#include "include/CSparse.h"

#include "Lanes.h"
#include "Products.h"
#include "Steps.h"
#include "SparseKernels.h"
#include "DenseKernels.h"
#include "Panels.h"
#include "Inference.h"
#include "InferenceBlocks.h"
#include "InferenceMaps.h"
#include "InferenceNorms.h"
#include "InferenceInterleave.h"
#include "InferenceAttention.h"
#include "ConvolutionTraining.h"

#define CS_TEXT(X) CS_QUOTED(X)
#define CS_QUOTED(X) #X

const cs_kernels CS_NAMED(cs_kernels_, FORM) = {
  .name = CS_TEXT(FORM),
  .forward = CS_NAMED(forward_, FORM),
  .update = CS_NAMED(update_, FORM),
  .input_gradient = CS_NAMED(input_gradient_, FORM),
  .dense_forward = CS_NAMED(dense_forward_, FORM),
  .dense_update = CS_NAMED(dense_update_, FORM),
  .dense_input_gradient = CS_NAMED(dense_input_gradient_, FORM),
  .scale = CS_NAMED(scale_, FORM),
  .bias_update = CS_NAMED(bias_update_, FORM),
  .take = CS_NAMED(take_, FORM),
  .gather = CS_NAMED(gather_, FORM),
  .cross_entropy = CS_NAMED(cross_entropy_, FORM),
};

const cs_inference CS_NAMED(cs_inference_, FORM) = {
  .name = CS_TEXT(FORM),
  .sparse_vectors = SPARSE_VECTORS,
  .dense_vectors = DENSE_VECTORS,
  .block_vectors = {BLOCK_VECTORS(1), BLOCK_VECTORS(2), BLOCK_VECTORS(4)},
  .sparse = CS_NAMED(sparse_, FORM),
  .dense = CS_NAMED(dense_, FORM),
  .sparse_vector = CS_NAMED(sparse_vector_, FORM),
  .blocks = CS_NAMED(blocks_, FORM),
  .block_vector = CS_NAMED(block_vector_, FORM),
#ifdef CS_LOOKUP
  .turns = CS_NAMED(turns_, FORM),
#endif
  .dense_vector = CS_NAMED(dense_vector_, FORM),
  .pool = CS_NAMED(pool_, FORM),
  .map = CS_NAMED(map_, FORM),
  .pair = CS_NAMED(pair_, FORM),
  .norm = CS_NAMED(norm_, FORM),
  .resample = CS_NAMED(resample_, FORM),
  .offset = CS_NAMED(offset_, FORM),
  .copy = CS_NAMED(copy_, FORM),
  .interleave = CS_NAMED(interleave_, FORM),
  .attention = CS_NAMED(attention_, FORM),
  .pack = CS_NAMED(pack_, FORM),
  .unpack = CS_NAMED(unpack_, FORM),
};

const cs_convolutions CS_NAMED(cs_convolutions_, FORM) = {
  .name = CS_TEXT(FORM),
  .sparse_vectors = SPARSE_VECTORS,
  .gradient_vectors = GRADIENT_VECTORS,
  .sparse = CS_NAMED(sparse_, FORM),
  .kept_gradient = CS_NAMED(kept_gradient_, FORM),
  .pack_rows = CS_NAMED(pack_rows_, FORM),
  .unpack_rows = CS_NAMED(unpack_rows_, FORM),
};
