// Loops on libtorch's own threads.
//
// at::parallel_for is a template: compiled here, without the OpenMP that libtorch was built with, it would run on one thread.
// TensorIterator's loop lives inside the library, so it is the way in.
#pragma once

#include <ATen/Functions.h>
#include <ATen/TensorIterator.h>

namespace espalier {

// Calls body(begin, end) for ranges that cover the elements of a dense tensor, of at least `grain` elements each if there are more
// than one, on as many threads as libtorch is set to.
template <typename Body>
void parallel_elements(const at::Tensor &dense, int64_t grain, const Body &body) {
  const int64_t count = dense.numel();
  if (count <= grain) {
    if (count > 0) body(0, count);
    return;
  }
  at::Tensor flat = dense.detach().as_strided({count}, {1});
  const auto size = static_cast<int64_t>(flat.element_size());
  const char *base = static_cast<const char *>(flat.const_data_ptr());
  at::TensorIterator iterator = at::TensorIterator::nullary_op(flat);
  iterator.for_each(
      [&](char **data, const int64_t *strides, int64_t inner, int64_t outer) {
        for (int64_t k = 0; k < outer; ++k) {
          const int64_t begin = (data[0] + k * strides[1] - base) / size;
          body(begin, begin + inner);
        }
      },
      grain);
}

}  // namespace espalier
