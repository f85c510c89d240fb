#include "include/StandInCUDA.h"

#include <ATen/EmptyTensor.h>
#include <ATen/Functions.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

namespace {

const at::Device device(at::kCUDA, 0);

struct Memory final : at::Allocator {
  at::DataPtr allocate(size_t bytes) override {
    at::DataPtr host = c10::GetCPUAllocator()->allocate(bytes);
    void *data = host.get();
    const at::DeleterFnPtr deleter = host.get_deleter();
    return {data, host.release_context(), deleter, device};
  }
  at::DeleterFnPtr raw_deleter() const override { return c10::GetCPUAllocator()->raw_deleter(); }
  void copy_data(void *to, const void *from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};

// One device with one stream, on which everything is done at once.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  at::DeviceType type() const override { return at::kCUDA; }
  at::Device exchangeDevice(at::Device) const override { return device; }
  at::Device getDevice() const override { return device; }
  void setDevice(at::Device) const override {}
  void uncheckedSetDevice(at::Device) const noexcept override {}
  c10::Stream getStream(at::Device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getDefaultStream(at::Device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  at::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void **, const c10::Stream &, const at::DeviceIndex, const c10::EventFlag) const override {}
  void block(void *, const c10::Stream &) const override {}
  bool queryEvent(void *) const override { return true; }
  void destroyEvent(void *, const at::DeviceIndex) const noexcept override {}
  bool queryStream(const c10::Stream &) const override { return true; }
  void synchronizeStream(const c10::Stream &) const override {}
  void synchronizeEvent(void *) const override {}
  void synchronizeDevice(const at::DeviceIndex) const override {}
};

// What libtorch asks of its CUDA library; cuDNN and the like are not there.
struct Hooks final : at::CUDAHooksInterface {
  explicit Hooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  at::DeviceIndex deviceCount() const override { return 1; }
  bool hasPrimaryContext(at::DeviceIndex) const override { return true; }
};

// The same elements as a tensor of the CPU.
at::Tensor on_host(const at::Tensor &x) {
  if (!x.defined() || !x.is_cuda()) return x;
  return at::from_blob(
      const_cast<void *>(x.const_data_ptr()), x.sizes(), x.strides(), [x](void *) {}, x.options().device(at::kCPU).requires_grad(false));
}

at::Tensor on_device(const at::Tensor &x) {
  if (!x.defined() || x.is_cuda()) return x;
  const at::Tensor result = at::empty_strided(x.sizes(), x.strides(), x.options().device(device));
  on_host(result).copy_(x);
  return result;
}

void become(const at::Tensor &x, const at::Tensor &y) {
  x.unsafeGetTensorImpl()->set_storage_keep_dtype(y.storage());
  x.unsafeGetTensorImpl()->set_sizes_and_strides(y.sizes(), y.strides());
}

at::Tensor empty(
    at::IntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>,
    std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(
      sizes, c10::GetAllocator(at::kCUDA), at::DispatchKeySet(at::DispatchKey::CUDA), type.value_or(at::kFloat), format);
}

at::Tensor empty_strided(
    at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> type, std::optional<at::Layout>,
    std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(
      sizes, strides, c10::GetAllocator(at::kCUDA), at::DispatchKeySet(at::DispatchKey::CUDA), type.value_or(at::kFloat));
}

at::Tensor &copy(at::Tensor &to, const at::Tensor &from, bool) {
  on_host(to).copy_(on_host(from));
  return to;
}

// Every operation that has no kernel for the device, by that for the CPU.
void compute_on_host(const c10::OperatorHandle &operation, torch::jit::Stack *stack) {
  const auto &schema = operation.schema();
  const size_t first = stack->size() - schema.arguments().size();
  const std::vector<c10::IValue> given(stack->begin() + static_cast<ptrdiff_t>(first), stack->end());
  bool here = false, elsewhere = false;
  const auto host = [&](const at::Tensor &x) {
    // A number may come from anywhere.
    if (x.defined() && (x.is_cuda() || x.dim() > 0)) (x.is_cuda() ? here : elsewhere) = true;
    // An operation that is to fill an empty tensor makes room in it.
    return x.defined() && x.is_cuda() && x.numel() == 0 ? at::empty(x.sizes(), x.options().device(at::kCPU)) : on_host(x);
  };
  for (size_t i = first; i < stack->size(); ++i) {
    c10::IValue &value = (*stack)[i];
    if (value.isTensor()) {
      value = host(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> tensors;
      for (const at::Tensor &x : value.toTensorVector()) tensors.push_back(host(x));
      value = tensors;
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> tensors;
      for (const auto &x : value.toOptionalTensorVector()) tensors.push_back(x ? std::optional(host(*x)) : std::nullopt);
      value = tensors;
    } else if (value.isDevice()) {
      value = at::Device(at::kCPU);
    }
  }
  TORCH_CHECK(!here || !elsewhere, operation.operator_name().name, ": tensors of two devices");
  operation.callBoxedForDispatchKey(c10::DispatchKey::CPU, *stack);
  const size_t results = stack->size() - schema.returns().size();
  for (size_t i = 0; i < schema.returns().size(); ++i) {
    c10::IValue &value = (*stack)[results + i];
    const c10::AliasInfo *alias = schema.returns()[i].alias_info();
    if (alias && alias->isWrite()) {
      // What was changed in place is returned itself.
      for (size_t k = 0; k < given.size(); ++k) {
        const c10::AliasInfo *other = schema.arguments()[k].alias_info();
        if (!other || !other->isWrite() || other->beforeSets() != alias->beforeSets()) continue;
        if (value.isTensor() && given[k].toTensor().numel() == 0) become(given[k].toTensor(), on_device(value.toTensor()));
        value = given[k];
      }
    } else if (value.isTensor()) {
      value = on_device(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> tensors;
      for (const at::Tensor &x : value.toTensorVector()) tensors.push_back(on_device(x));
      value = tensors;
    }
  }
}

}  // namespace

void stand_in_cuda_install(void) {
  static const bool is_installed = [] {
    at::CUDAHooksRegistry()->Register(
        "CUDAHooks",
        [](at::CUDAHooksArgs arguments) -> std::unique_ptr<at::CUDAHooksInterface> { return std::make_unique<Hooks>(arguments); });
    c10::SetAllocator(at::kCUDA, new Memory());
    new c10::impl::DeviceGuardImplRegistrar(at::kCUDA, new Guard());
    auto *rest = new torch::Library(torch::Library::IMPL, "_", c10::DispatchKey::CUDA, __FILE__, __LINE__);
    rest->fallback(torch::CppFunction::makeFromBoxedFunction<&compute_on_host>());
    auto *own = new torch::Library(torch::Library::IMPL, "aten", c10::DispatchKey::CUDA, __FILE__, __LINE__);
    own->impl("empty.memory_format", &empty);
    own->impl("empty_strided", &empty_strided);
    own->impl("copy_", &copy);
    own->impl("as_strided", &at::native::as_strided_tensorimpl);
    own->impl("view", static_cast<at::Tensor (*)(const at::Tensor &, at::IntArrayRef)>(&at::native::view));
    own->impl("_reshape_alias", &at::native::_reshape_alias);
    own->impl("unfold", &at::native::unfold);
    // Else libtorch would compose them from forms that return references to several arguments, which boxing reads when those are gone.
    for (const char *name : {"nll_loss_forward", "max_pool2d_with_indices", "sort.stable", "topk", "max.dim", "min.dim"}) {
      own->impl(name, torch::CppFunction::makeFromBoxedFunction<&compute_on_host>());
    }
    return true;
  }();
  (void)is_installed;
}
