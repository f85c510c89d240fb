// All kernels of one form. A form includes this after setting FORM (its name as an identifier), the tiles that its registers hold, and
// the instruction set by `#pragma clang attribute`.
#include "include/CSparse.h"

#include "Lanes.h"
#include "Steps.h"
#include "SparseKernels.h"
#include "DenseKernels.h"
#include "Panels.h"

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
