#include <torch/csrc/autograd/autograd.h>

#include "Handle.hpp"

using namespace espalier;

int ct_gradient_require(ct_tensor x, int32_t required) {
  return effect("requires_grad", [&] { x->value.set_requires_grad(required != 0); });
}

int32_t ct_gradient_is_required(ct_tensor x) { return x->value.requires_grad(); }

ct_tensor ct_gradient_get(ct_tensor x) {
  return guarded<ct_tensor>("gradient", nullptr, [&]() -> ct_tensor {
    const at::Tensor &gradient = x->value.grad();
    if (!gradient.defined()) {
      set_error("gradient", "there is none");
      return nullptr;
    }
    return wrap(gradient);
  });
}

int ct_gradient_clear(ct_tensor x) {
  return effect("clear_gradient", [&] { x->value.mutable_grad() = at::Tensor(); });
}

int ct_gradient_adopt(ct_tensor x, ct_tensor gradient) {
  return effect("adopt_gradient", [&] {
    TORCH_CHECK(
        x->value.sizes() == gradient->value.sizes(), "a gradient of shape ", gradient->value.sizes(), " for a tensor of shape ",
        x->value.sizes());
    x->value.mutable_grad() = gradient->value;
  });
}

int ct_gradient_backward(ct_tensor x, int32_t retain_graph) {
  return effect("backward", [&] { torch::autograd::backward({x->value}, {}, retain_graph != 0); });
}

int ct_gradient_of(
    const ct_tensor *outputs, int32_t output_count, const ct_tensor *seeds, const ct_tensor *inputs, int32_t input_count,
    int32_t retain_graph, int32_t create_graph, ct_tensor *gradients) {
  return effect("gradient", [&] {
    auto found = torch::autograd::grad(
        list(outputs, output_count), list(inputs, input_count), seeds ? list(seeds, output_count) : std::vector<at::Tensor>(),
        retain_graph != 0, create_graph != 0, /*allow_unused=*/true);
    for (int32_t i = 0; i < input_count; ++i) gradients[i] = found[i].defined() ? wrap(std::move(found[i])) : nullptr;
  });
}
