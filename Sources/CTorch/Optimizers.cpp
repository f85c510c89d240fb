// The optimizers' loops: one pass over parameter, gradient and moments with the mask fused in, where libtorch's own steps make a pass
// over the tensors for each operation and know no masks.
#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "Handle.hpp"
#include "Parallel.hpp"

// The same code compiled for each instruction set; the loader picks by the machine it runs on.
#if defined(__x86_64__) && defined(__linux__)
#define ESPALIER_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ESPALIER_VECTORISED
#endif

// No fused multiply-adds: each clone then rounds as a plain loop does, and a step gives the same bits on every machine.
#ifdef __clang__
#pragma clang fp contract(off)
#endif

using namespace espalier;

namespace {

// Below this many elements a second thread costs more than it gives.
constexpr int64_t grain = 32768;

struct Adam {
  double learning_rate, beta1, beta2, epsilon, weight_decay, step_size, inverse_root_correction;
  bool decoupled;
};

// A macro rather than a template: target_clones does not apply to templates' instantiations.
#define ESPALIER_ADAM(NAME, REAL, ROOT)                                                                                       \
  ESPALIER_VECTORISED void NAME(                                                                                              \
      REAL *__restrict w, const REAL *__restrict g, REAL *__restrict m, REAL *__restrict v, int64_t n, const Adam &o) {       \
    const REAL b1 = o.beta1, b2 = o.beta2, c1 = 1 - o.beta1, c2 = 1 - o.beta2, epsilon = o.epsilon, size = o.step_size;       \
    const REAL root = o.inverse_root_correction, shrink = o.decoupled ? 1 - o.learning_rate * o.weight_decay : 1;             \
    const REAL decay = o.decoupled ? 0 : o.weight_decay;                                                                      \
    for (int64_t i = 0; i < n; ++i) {                                                                                         \
      const REAL weight = w[i] * shrink, gradient = g[i] + decay * weight;                                                    \
      m[i] = b1 * m[i] + c1 * gradient;                                                                                       \
      v[i] = b2 * v[i] + c2 * gradient * gradient;                                                                            \
      w[i] = weight - size * m[i] / (ROOT(v[i]) * root + epsilon);                                                            \
    }                                                                                                                         \
  }                                                                                                                           \
  ESPALIER_VECTORISED void NAME##_masked(                                                                                     \
      REAL *__restrict w, const REAL *__restrict g, REAL *__restrict m, REAL *__restrict v, const uint8_t *__restrict keep,   \
      int64_t n, const Adam &o) {                                                                                             \
    const REAL b1 = o.beta1, b2 = o.beta2, c1 = 1 - o.beta1, c2 = 1 - o.beta2, epsilon = o.epsilon, size = o.step_size;       \
    const REAL root = o.inverse_root_correction, shrink = o.decoupled ? 1 - o.learning_rate * o.weight_decay : 1;             \
    const REAL decay = o.decoupled ? 0 : o.weight_decay;                                                                      \
    for (int64_t i = 0; i < n; ++i) {                                                                                         \
      const REAL weight = w[i] * shrink, gradient = g[i] + decay * weight;                                                    \
      const REAL first = b1 * m[i] + c1 * gradient, second = b2 * v[i] + c2 * gradient * gradient;                            \
      const REAL next = weight - size * first / (ROOT(second) * root + epsilon);                                              \
      const bool kept = keep[i] != 0;                                                                                         \
      m[i] = kept ? first : REAL(0);                                                                                          \
      v[i] = kept ? second : REAL(0);                                                                                         \
      w[i] = kept ? next : REAL(0);                                                                                           \
    }                                                                                                                         \
  }

ESPALIER_ADAM(adam_float, float, std::sqrt)
ESPALIER_ADAM(adam_double, double, std::sqrt)

#define ESPALIER_SGD(NAME, REAL)                                                                                              \
  ESPALIER_VECTORISED void NAME(REAL *__restrict w, const REAL *__restrict g, REAL *__restrict m, int64_t n, const ct_sgd_options &o) { \
    const REAL rate = o.learning_rate, momentum = o.momentum, decay = o.weight_decay, ahead = o.nesterov ? o.momentum : 0;    \
    const REAL direct = o.nesterov ? 1 : 0, moving = o.nesterov ? ahead : 1;                                                  \
    for (int64_t i = 0; i < n; ++i) {                                                                                         \
      const REAL gradient = g[i] + decay * w[i];                                                                              \
      m[i] = momentum * m[i] + gradient;                                                                                      \
      w[i] -= rate * (direct * gradient + moving * m[i]);                                                                     \
    }                                                                                                                         \
  }                                                                                                                           \
  ESPALIER_VECTORISED void NAME##_masked(                                                                                     \
      REAL *__restrict w, const REAL *__restrict g, REAL *__restrict m, const uint8_t *__restrict keep, int64_t n,            \
      const ct_sgd_options &o) {                                                                                              \
    const REAL rate = o.learning_rate, momentum = o.momentum, decay = o.weight_decay, ahead = o.nesterov ? o.momentum : 0;    \
    const REAL direct = o.nesterov ? 1 : 0, moving = o.nesterov ? ahead : 1;                                                  \
    for (int64_t i = 0; i < n; ++i) {                                                                                         \
      const REAL gradient = g[i] + decay * w[i], velocity = momentum * m[i] + gradient;                                       \
      const REAL next = w[i] - rate * (direct * gradient + moving * velocity);                                                \
      const bool kept = keep[i] != 0;                                                                                         \
      m[i] = kept ? velocity : REAL(0);                                                                                       \
      w[i] = kept ? next : REAL(0);                                                                                           \
    }                                                                                                                         \
  }

ESPALIER_SGD(sgd_float, float)
ESPALIER_SGD(sgd_double, double)

// The gradient with the parameter's own strides, so that one index serves both.
at::Tensor aligned(const at::Tensor &gradient, const at::Tensor &parameter) {
  if (gradient.device() == parameter.device() && gradient.strides() == parameter.strides() && gradient.scalar_type() == parameter.scalar_type()) return gradient;
  return at::empty_like(parameter).copy_(gradient);
}

void require_dense(const at::Tensor &x, const at::Tensor &like, at::ScalarType type, const char *what) {
  TORCH_CHECK(x.is_cpu(), what, " must lie on the CPU");
  TORCH_CHECK(x.scalar_type() == type, what, " must be of ", type, ", not ", x.scalar_type());
  TORCH_CHECK(x.is_non_overlapping_and_dense(), what, " must be dense");
  TORCH_CHECK(x.sizes() == like.sizes() && x.strides() == like.strides(), what, " must have the parameter's layout");
}

void require_real(const at::Tensor &x) {
  TORCH_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble, "a parameter must be of Float or Double, not ", x.scalar_type());
}

// The untyped accessors: newer clangs mangle the typed ones' constraints, and the wheel's symbols lack them.
template <typename Real>
Real *at_index(const at::Tensor &x, int64_t i) {
  return static_cast<Real *>(x.mutable_data_ptr()) + i;
}

template <typename Real>
const Real *gradient_at(const at::Tensor &x, int64_t i) {
  return static_cast<const Real *>(x.const_data_ptr()) + i;
}

const uint8_t *mask_at(const at::Tensor &mask, int64_t i) { return static_cast<const uint8_t *>(mask.const_data_ptr()) + i; }

void hold_at_zero(const at::Tensor &mask, std::initializer_list<at::Tensor> tensors) {
  const at::Tensor pruned = mask.logical_not();
  for (at::Tensor x : tensors) x.masked_fill_(pruned, 0);
}

// The parameters that the loops above cannot reach, on another device, for libtorch's fused steps, which take all of them in one launch.
struct Elsewhere {
  std::vector<at::Tensor> weights, gradients, first, second;

  Elsewhere(const ct_tensor *parameters, const ct_tensor *first_moments, const ct_tensor *second_moments, int32_t count) {
    for (int32_t k = 0; k < count; ++k) {
      const at::Tensor &w = parameters[k]->value;
      if (w.is_cpu() || !w.grad().defined()) continue;
      weights.push_back(w);
      gradients.push_back(aligned(w.grad(), w));
      first.push_back(first_moments[k]->value);
      if (second_moments) second.push_back(second_moments[k]->value);
    }
  }
};

void sgd_elsewhere(const Elsewhere &all, const ct_sgd_options &o) {
  if (all.weights.empty()) return;
  at::_fused_sgd_(
      all.weights, all.gradients, all.first, o.weight_decay, o.momentum, o.learning_rate, /*dampening=*/0, o.nesterov != 0,
      /*maximize=*/false, /*is_first_step=*/false);
}

void adam_elsewhere(const Elsewhere &all, const ct_adam_options &o) {
  if (all.weights.empty()) return;
  const at::Tensor step = at::full({}, static_cast<double>(o.step), all.weights[0].options().dtype(at::kFloat).requires_grad(false));
  const std::vector<at::Tensor> steps(all.weights.size(), step);
  const auto take = [&](auto &&fused) {
    fused(
        all.weights, all.gradients, all.first, all.second, at::TensorList(), steps, o.learning_rate, o.beta1, o.beta2, o.weight_decay,
        o.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  };
  if (o.decoupled) take([](auto &&...arguments) { at::_fused_adamw_(arguments...); });
  else take([](auto &&...arguments) { at::_fused_adam_(arguments...); });
}

}  // namespace

int ct_optimizer_sgd_step(
    const ct_tensor *parameters, const ct_tensor *velocities, const ct_tensor *masks, int32_t count, const ct_sgd_options *options) {
  return effect("sgd_step", [&] {
    const at::NoGradGuard no_grad;
    sgd_elsewhere(Elsewhere(parameters, velocities, nullptr, count), *options);
    for (int32_t k = 0; k < count; ++k) {
      at::Tensor &w = parameters[k]->value;
      if (!w.grad().defined()) continue;
      const at::Tensor &m = velocities[k]->value;
      if (!w.is_cpu()) {
        if (masks && masks[k]) hold_at_zero(masks[k]->value, {w, m});
        w.mutable_grad() = at::Tensor();
        continue;
      }
      require_real(w);
      require_dense(m, w, w.scalar_type(), "the velocity");
      const at::Tensor g = aligned(w.grad(), w);
      const bool masked = masks && masks[k];
      if (masked) require_dense(masks[k]->value, w, at::kBool, "the mask");
      parallel_elements(w, grain, [&](int64_t begin, int64_t end) {
        const int64_t n = end - begin;
        if (w.scalar_type() == at::kDouble) {
          auto *weight = at_index<double>(w, begin), *velocity = at_index<double>(m, begin);
          const auto *gradient = gradient_at<double>(g, begin);
          if (masked) sgd_double_masked(weight, gradient, velocity, mask_at(masks[k]->value, begin), n, *options);
          else sgd_double(weight, gradient, velocity, n, *options);
        } else {
          auto *weight = at_index<float>(w, begin), *velocity = at_index<float>(m, begin);
          const auto *gradient = gradient_at<float>(g, begin);
          if (masked) sgd_float_masked(weight, gradient, velocity, mask_at(masks[k]->value, begin), n, *options);
          else sgd_float(weight, gradient, velocity, n, *options);
        }
      });
      w.mutable_grad() = at::Tensor();
    }
  });
}

int ct_optimizer_adam_step(
    const ct_tensor *parameters, const ct_tensor *first_moments, const ct_tensor *second_moments, const ct_tensor *masks, int32_t count,
    const ct_adam_options *options) {
  return effect("adam_step", [&] {
    const at::NoGradGuard no_grad;
    TORCH_CHECK(options->step >= 1, "steps count from 1, not ", options->step);
    const double correction1 = 1 - std::pow(options->beta1, options->step), correction2 = 1 - std::pow(options->beta2, options->step);
    const Adam o{options->learning_rate,
                 options->beta1,
                 options->beta2,
                 options->epsilon,
                 options->weight_decay,
                 options->learning_rate / correction1,
                 1 / std::sqrt(correction2),
                 options->decoupled != 0};
    adam_elsewhere(Elsewhere(parameters, first_moments, second_moments, count), *options);
    for (int32_t k = 0; k < count; ++k) {
      at::Tensor &w = parameters[k]->value;
      if (!w.grad().defined()) continue;
      const at::Tensor &m = first_moments[k]->value, &v = second_moments[k]->value;
      if (!w.is_cpu()) {
        if (masks && masks[k]) hold_at_zero(masks[k]->value, {w, m, v});
        w.mutable_grad() = at::Tensor();
        continue;
      }
      require_real(w);
      require_dense(m, w, w.scalar_type(), "the first moment");
      require_dense(v, w, w.scalar_type(), "the second moment");
      const at::Tensor g = aligned(w.grad(), w);
      const bool masked = masks && masks[k];
      if (masked) require_dense(masks[k]->value, w, at::kBool, "the mask");
      parallel_elements(w, grain, [&](int64_t begin, int64_t end) {
        const int64_t n = end - begin;
        if (w.scalar_type() == at::kDouble) {
          auto *weight = at_index<double>(w, begin), *first = at_index<double>(m, begin), *second = at_index<double>(v, begin);
          const auto *gradient = gradient_at<double>(g, begin);
          if (masked) adam_double_masked(weight, gradient, first, second, mask_at(masks[k]->value, begin), n, o);
          else adam_double(weight, gradient, first, second, n, o);
        } else {
          auto *weight = at_index<float>(w, begin), *first = at_index<float>(m, begin), *second = at_index<float>(v, begin);
          const auto *gradient = gradient_at<float>(g, begin);
          if (masked) adam_float_masked(weight, gradient, first, second, mask_at(masks[k]->value, begin), n, o);
          else adam_float(weight, gradient, first, second, n, o);
        }
      });
      w.mutable_grad() = at::Tensor();
    }
  });
}

int ct_optimizer_apply_masks(const ct_tensor *tensors, const ct_tensor *masks, int32_t count) {
  return effect("apply_masks", [&] {
    const at::NoGradGuard no_grad;
    for (int32_t k = 0; k < count; ++k) {
      if (masks[k]) tensors[k]->value.masked_fill_(masks[k]->value.logical_not(), 0);
    }
  });
}
