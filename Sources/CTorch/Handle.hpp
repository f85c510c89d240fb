// Conversion of handles to tensors and of exceptions to messages.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>
#include <vector>

#include "include/CTorch.h"

struct ct_tensor_s {
  at::Tensor value;
};
struct ct_generator_s {
  at::Generator value;
};

namespace espalier {

void set_error(const char *operation, const char *message);

// Number of tensors that this thread has created.
extern thread_local int64_t made;
inline ct_tensor wrap(at::Tensor value) {
  ++made;
  return new ct_tensor_s{std::move(value)};
}
inline at::IntArrayRef ints(const int64_t *values, int32_t count) { return {values, static_cast<size_t>(count)}; }
inline std::optional<at::Tensor> optional(ct_tensor x) {
  return x ? std::optional<at::Tensor>(x->value) : std::nullopt;
}
std::vector<at::Tensor> list(const ct_tensor *tensors, int32_t count);
at::ScalarType scalar_type(int32_t type);

// Whether an exception says that memory ran out: libtorch's allocator has an exception of its own for that.
bool is_out_of_memory(const c10::Error &error) noexcept;

// Runs `body`; records an exception under the operation's name and returns `failed`.
template <typename Result, typename Body>
Result guarded(const char *operation, Result failed, Body body) noexcept {
  try {
    return body();
  } catch (const c10::Error &error) {
    set_error(operation, is_out_of_memory(error) ? "out of memory" : error.what_without_backtrace());
  } catch (const std::bad_alloc &) {
    set_error(operation, "out of memory");
  } catch (const std::exception &error) {
    set_error(operation, error.what());
  } catch (...) {
    set_error(operation, "unknown exception");
  }
  return failed;
}

// Runs an operation that returns a tensor.
template <typename Body>
ct_tensor tensor(const char *operation, Body body) noexcept {
  return guarded<ct_tensor>(operation, nullptr, [&] { return wrap(body()); });
}

// Runs an operation for its effect.
template <typename Body>
int effect(const char *operation, Body body) noexcept {
  return guarded<int>(operation, 1, [&] {
    body();
    return 0;
  });
}

}  // namespace espalier
