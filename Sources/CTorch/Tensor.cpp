#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <cstring>

#include "Handle.hpp"

using namespace espalier;

static at::Device device_of(int32_t device) { return device == CT_CUDA ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU); }

void ct_tensor_free(ct_tensor x) { delete x; }

ct_tensor ct_tensor_empty(const int64_t *sizes, int32_t rank, int32_t type, int32_t device) {
  return tensor("empty", [&] { return at::empty(ints(sizes, rank), at::TensorOptions(scalar_type(type)).device(device_of(device))); });
}

ct_tensor ct_tensor_full(const int64_t *sizes, int32_t rank, double value, int32_t type, int32_t device) {
  return tensor("full", [&] {
    return at::full(ints(sizes, rank), value, at::TensorOptions(scalar_type(type)).device(device_of(device)));
  });
}

ct_tensor ct_tensor_from_data(const void *data, const int64_t *sizes, int32_t rank, int32_t type) {
  return tensor("from_data", [&] {
    at::Tensor x = at::empty(ints(sizes, rank), at::TensorOptions(scalar_type(type)));
    if (x.numel() > 0) std::memcpy(x.data_ptr(), data, x.nbytes());
    return x;
  });
}

ct_tensor ct_tensor_arange(int64_t count, int32_t type) {
  return tensor("arange", [&] { return at::arange(count, at::TensorOptions(scalar_type(type))); });
}

ct_tensor ct_tensor_permutation(int64_t count, ct_generator generator) {
  return tensor("permutation", [&] { return at::randperm(count, generator->value, at::TensorOptions(at::kLong)); });
}

ct_tensor ct_tensor_empty_like(ct_tensor x) {
  return tensor("empty_like", [&] { return at::empty_like(x->value); });
}

ct_tensor ct_tensor_full_like(ct_tensor x, double value, int32_t type) {
  return tensor("full_like", [&] { return at::full_like(x->value, value, at::TensorOptions(scalar_type(type))); });
}

int32_t ct_tensor_rank(ct_tensor x) { return static_cast<int32_t>(x->value.dim()); }

void ct_tensor_sizes(ct_tensor x, int64_t *sizes) {
  const auto all = x->value.sizes();
  std::copy(all.begin(), all.end(), sizes);
}

int64_t ct_tensor_count(ct_tensor x) { return x->value.numel(); }

int32_t ct_tensor_type(ct_tensor x) {
  switch (x->value.scalar_type()) {
    case at::kByte: return CT_UINT8;
    case at::kLong: return CT_INT64;
    case at::kFloat: return CT_FLOAT32;
    case at::kDouble: return CT_FLOAT64;
    case at::kBool: return CT_BOOL;
    case at::kInt: return CT_INT32;
    default: return CT_OTHER;
  }
}

int32_t ct_tensor_device(ct_tensor x) { return x->value.is_cuda() ? CT_CUDA : CT_CPU; }
int32_t ct_tensor_is_contiguous(ct_tensor x) { return x->value.is_contiguous(); }
int32_t ct_tensor_is_channels_last(ct_tensor x) {
  return x->value.dim() == 4 && x->value.is_contiguous(at::MemoryFormat::ChannelsLast);
}
void *ct_tensor_data(ct_tensor x) {
  return guarded<void *>("data", nullptr, [&] { return x->value.is_cpu() ? x->value.data_ptr() : nullptr; });
}

int ct_tensor_copy_out(ct_tensor x, void *data, size_t bytes) {
  return effect("copy_out", [&] {
    const at::NoGradGuard no_grad;
    TORCH_CHECK(x->value.nbytes() == bytes, "the tensor has ", x->value.nbytes(), " bytes, the destination ", bytes);
    if (bytes == 0) return;
    const at::Tensor dense = x->value.cpu().contiguous();
    std::memcpy(data, dense.const_data_ptr(), bytes);
  });
}

int ct_tensor_item(ct_tensor x, double *value) {
  return effect("item", [&] { *value = x->value.item().toDouble(); });
}

ct_tensor ct_tensor_retain(ct_tensor x) { return tensor("retain", [&] { return x->value; }); }
ct_tensor ct_tensor_clone(ct_tensor x) { return tensor("clone", [&] { return x->value.clone(); }); }
ct_tensor ct_tensor_detach(ct_tensor x) { return tensor("detach", [&] { return x->value.detach(); }); }
ct_tensor ct_tensor_contiguous(ct_tensor x) { return tensor("contiguous", [&] { return x->value.contiguous(); }); }

ct_tensor ct_tensor_channels_last(ct_tensor x) {
  return tensor("channels_last", [&] {
    const at::Tensor result = x->value.contiguous(at::MemoryFormat::ChannelsLast);
    if (result.suggest_memory_format() == at::MemoryFormat::ChannelsLast) return result;
    // With one channel, or one pixel, both orders are the same; libtorch then takes the strides for row-major ones, and its layers a
    // slower way.
    const auto channels = result.size(1), width = result.size(3);
    return result.as_strided(result.sizes(), {channels * result.size(2) * width, 1, width * channels, channels});
  });
}

ct_tensor ct_tensor_to_type(ct_tensor x, int32_t type) {
  return tensor("to_type", [&] { return x->value.to(scalar_type(type)); });
}

ct_tensor ct_tensor_to_device(ct_tensor x, int32_t device) {
  return tensor("to_device", [&] { return x->value.to(device_of(device)); });
}

int ct_tensor_copy(ct_tensor destination, ct_tensor source) {
  return effect("copy", [&] {
    const at::NoGradGuard no_grad;
    TORCH_CHECK(
        destination->value.sizes() == source->value.sizes(), "the destination is ", destination->value.sizes(), ", the source ",
        source->value.sizes());
    destination->value.copy_(source->value);
  });
}

int ct_tensor_fill(ct_tensor x, double value) {
  return effect("fill", [&] {
    const at::NoGradGuard no_grad;
    x->value.fill_(value);
  });
}

int ct_tensor_fill_normal(ct_tensor x, double mean, double deviation, ct_generator generator) {
  return effect("fill_normal", [&] {
    const at::NoGradGuard no_grad;
    x->value.normal_(mean, deviation, generator->value);
  });
}

int ct_tensor_fill_uniform(ct_tensor x, double low, double high, ct_generator generator) {
  return effect("fill_uniform", [&] {
    const at::NoGradGuard no_grad;
    x->value.uniform_(low, high, generator->value);
  });
}

int ct_tensor_fill_bernoulli(ct_tensor x, double probability, ct_generator generator) {
  return effect("fill_bernoulli", [&] {
    const at::NoGradGuard no_grad;
    x->value.bernoulli_(probability, generator->value);
  });
}

int ct_tensor_accumulate(ct_tensor destination, ct_tensor source, double scale) {
  return effect("accumulate", [&] {
    const at::NoGradGuard no_grad;
    destination->value.add_(source->value, scale);
  });
}

int ct_tensor_scale(ct_tensor x, ct_tensor factor) {
  return effect("scale", [&] {
    const at::NoGradGuard no_grad;
    x->value.mul_(factor->value);
  });
}
