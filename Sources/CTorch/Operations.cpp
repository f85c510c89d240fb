#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include "Handle.hpp"

using namespace espalier;

static const char *unary_name(int32_t operation) {
  static const char *names[] = {"negative", "absolute", "exponential", "logarithm", "square_root", "square", "reciprocal", "sign", "sigmoid",
                                "tanh", "relu", "relu6", "gelu", "silu", "hard_sigmoid", "hard_swish", "softplus", "mish", "floor", "round",
                                "is_finite", "logical_not", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
                                "erf", "ceil", "tanh_gelu"};
  return operation >= CT_NEG && operation <= CT_TANH_GELU ? names[operation] : "unary";
}

ct_tensor ct_math_unary(int32_t operation, ct_tensor x) {
  return tensor(unary_name(operation), [&]() -> at::Tensor {
    const at::Tensor &a = x->value;
    switch (operation) {
      case CT_NEG: return a.neg();
      case CT_ABS: return a.abs();
      case CT_EXP: return a.exp();
      case CT_LOG: return a.log();
      case CT_SQRT: return a.sqrt();
      case CT_SQUARE: return a.square();
      case CT_RECIPROCAL: return a.reciprocal();
      case CT_SIGN: return a.sign();
      case CT_SIGMOID: return a.sigmoid();
      case CT_TANH: return a.tanh();
      case CT_RELU: return a.relu();
      case CT_RELU6: return at::relu6(a);
      case CT_GELU: return at::gelu(a);
      case CT_SILU: return at::silu(a);
      case CT_HARD_SIGMOID: return at::hardsigmoid(a);
      case CT_HARD_SWISH: return at::hardswish(a);
      case CT_SOFTPLUS: return at::softplus(a);
      case CT_MISH: return at::mish(a);
      case CT_FLOOR: return a.floor();
      case CT_ROUND: return a.round();
      case CT_IS_FINITE: return at::isfinite(a);
      case CT_LOGICAL_NOT: return a.logical_not();
      case CT_SIN: return a.sin();
      case CT_COS: return a.cos();
      case CT_TAN: return a.tan();
      case CT_ASIN: return a.asin();
      case CT_ACOS: return a.acos();
      case CT_ATAN: return a.atan();
      case CT_SINH: return a.sinh();
      case CT_COSH: return a.cosh();
      case CT_ASINH: return a.asinh();
      case CT_ACOSH: return a.acosh();
      case CT_ATANH: return a.atanh();
      case CT_ERF: return a.erf();
      case CT_CEIL: return a.ceil();
      case CT_TANH_GELU: return at::gelu(a, "tanh");
      default: TORCH_CHECK(false, "unknown operation ", operation);
    }
  });
}

static const char *binary_name(int32_t operation) {
  static const char *names[] = {"add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "equal", "not_equal", "less",
                                "less_equal", "greater", "greater_equal", "matmul"};
  return operation >= CT_ADD && operation <= CT_MATMUL ? names[operation] : "binary";
}

ct_tensor ct_math_solve(ct_tensor a, ct_tensor b) {
  return tensor("solve", [&] { return at::cholesky_solve(b->value, at::linalg_cholesky(a->value)); });
}

ct_tensor ct_math_binary(int32_t operation, ct_tensor x, ct_tensor y) {
  return tensor(binary_name(operation), [&]() -> at::Tensor {
    const at::Tensor &a = x->value, &b = y->value;
    switch (operation) {
      case CT_ADD: return a.add(b);
      case CT_SUBTRACT: return a.sub(b);
      case CT_MULTIPLY: return a.mul(b);
      case CT_DIVIDE: return a.div(b);
      case CT_MAXIMUM: return at::maximum(a, b);
      case CT_MINIMUM: return at::minimum(a, b);
      case CT_POWER: return a.pow(b);
      case CT_EQUAL: return a.eq(b);
      case CT_NOT_EQUAL: return a.ne(b);
      case CT_LESS: return a.lt(b);
      case CT_LESS_EQUAL: return a.le(b);
      case CT_GREATER: return a.gt(b);
      case CT_GREATER_EQUAL: return a.ge(b);
      case CT_MATMUL: return a.matmul(b);
      default: TORCH_CHECK(false, "unknown operation ", operation);
    }
  });
}

ct_tensor ct_math_add_scaled(ct_tensor x, ct_tensor y, double scale) {
  return tensor("add", [&] { return x->value.add(y->value, scale); });
}

// Whether elements differ from 0, by their bits: where denormals are flushed, a comparison takes them for 0.
static at::Tensor not_zero(const at::Tensor &a) {
  if (a.scalar_type() != at::kFloat && a.scalar_type() != at::kDouble) return a.ne(0);
  return at::bitwise_left_shift(a.detach().view(a.scalar_type() == at::kFloat ? at::kInt : at::kLong), 1).ne(0);
}

// In blocks whose count fits the lanes of a vector.
template <typename Bits>
static int64_t nonzeros(const Bits *x, int shift, const uint8_t *mask, int64_t count) {
  int64_t total = 0;
  for (int64_t start = 0; start < count; start += 1 << 16) {
    const int64_t end = std::min(start + (1 << 16), count);
    uint32_t found = 0;
    if (mask != nullptr) {
      for (int64_t i = start; i < end; ++i) found += (static_cast<Bits>(x[i] << shift) != 0) & (mask[i] == 0);
    } else {
      for (int64_t i = start; i < end; ++i) found += static_cast<Bits>(x[i] << shift) != 0;
    }
    total += found;
  }
  return total;
}

int ct_math_count_nonzero(ct_tensor x, ct_tensor mask, int64_t *count) {
  return effect("count_nonzero", [&] {
    at::Tensor a = x->value.detach();
    at::Tensor m;
    if (mask != nullptr) {
      TORCH_CHECK(mask->value.scalar_type() == at::kBool && mask->value.sizes() == a.sizes(), "a mask has another type or shape");
      m = mask->value.contiguous();
    }
    const auto type = a.scalar_type();
    if (!a.is_cpu() || (type != at::kFloat && type != at::kDouble && type != at::kBool)) {
      at::Tensor found = not_zero(a);
      if (m.defined()) found = found.logical_and(m.logical_not());
      *count = found.sum().item<int64_t>();
      return;
    }
    // The order does not matter where there is no mask.
    if (m.defined() || !a.is_non_overlapping_and_dense()) a = a.contiguous();
    const auto flags = m.defined() ? static_cast<const uint8_t *>(m.const_data_ptr()) : nullptr;
    const void *data = a.const_data_ptr();
    if (type == at::kFloat) *count = nonzeros(static_cast<const uint32_t *>(data), 1, flags, a.numel());
    if (type == at::kDouble) *count = nonzeros(static_cast<const uint64_t *>(data), 1, flags, a.numel());
    if (type == at::kBool) *count = nonzeros(static_cast<const uint8_t *>(data), 0, flags, a.numel());
  });
}

ct_tensor ct_math_scalar(int32_t operation, ct_tensor x, double b) {
  return tensor(binary_name(operation), [&]() -> at::Tensor {
    const at::Tensor &a = x->value;
    switch (operation) {
      case CT_ADD: return a.add(b);
      case CT_SUBTRACT: return a.sub(b);
      case CT_MULTIPLY: return a.mul(b);
      case CT_DIVIDE: return a.div(b);
      case CT_MAXIMUM: return a.clamp_min(b);
      case CT_MINIMUM: return a.clamp_max(b);
      case CT_POWER: return a.pow(b);
      case CT_EQUAL: return b == 0 ? not_zero(a).logical_not() : a.eq(b);
      case CT_NOT_EQUAL: return b == 0 ? not_zero(a) : a.ne(b);
      case CT_LESS: return a.lt(b);
      case CT_LESS_EQUAL: return a.le(b);
      case CT_GREATER: return a.gt(b);
      case CT_GREATER_EQUAL: return a.ge(b);
      default: TORCH_CHECK(false, "unknown operation ", operation);
    }
  });
}

ct_tensor ct_math_clamp(ct_tensor x, double low, double high) {
  return tensor("clamp", [&] { return x->value.clamp(low, high); });
}

ct_tensor ct_math_where(ct_tensor condition, ct_tensor x, ct_tensor y) {
  return tensor("where", [&] { return at::where(condition->value, x->value, y->value); });
}

ct_tensor ct_math_reduce(int32_t operation, ct_tensor x, const int64_t *dims, int32_t dim_count, int32_t keep) {
  static const char *names[] = {"sum", "mean", "max", "min", "product", "norm", "variance", "argmax", "argmin", "l1", "log_sum_exp"};
  const char *name = operation >= CT_SUM && operation <= CT_LOG_SUM_EXP ? names[operation] : "reduce";
  return tensor(name, [&]() -> at::Tensor {
    const at::Tensor &a = x->value;
    std::vector<int64_t> all;
    for (int64_t d = 0; dim_count == 0 && d < a.dim(); ++d) all.push_back(d);
    const at::IntArrayRef over = dim_count == 0 ? at::IntArrayRef(all) : ints(dims, dim_count);
    switch (operation) {
      case CT_SUM: return a.sum(over, keep);
      case CT_MEAN: return a.mean(over, keep);
      case CT_MAX: return at::amax(a, over, keep);
      case CT_MIN: return at::amin(a, over, keep);
      case CT_PRODUCT:
        if (dim_count == 0) return a.prod();
        TORCH_CHECK(dim_count == 1, "takes one dimension");
        return a.prod(dims[0], keep);
      case CT_NORM: return at::norm(a, 2, over, keep);
      case CT_L1: return at::norm(a, 1, over, keep);
      case CT_VARIANCE: return a.var(over, true, keep);
      case CT_LOG_SUM_EXP: return a.logsumexp(over, keep);
      case CT_ARGMAX:
      case CT_ARGMIN: {
        TORCH_CHECK(dim_count <= 1, "takes one dimension");
        const std::optional<int64_t> dim = dim_count == 0 ? std::nullopt : std::optional<int64_t>(dims[0]);
        return operation == CT_ARGMAX ? a.argmax(dim, keep) : a.argmin(dim, keep);
      }
      default: TORCH_CHECK(false, "unknown operation ", operation);
    }
  });
}

ct_tensor ct_math_cumulative_sum(ct_tensor x, int64_t dim) {
  return tensor("cumulative_sum", [&] { return x->value.cumsum(dim); });
}

ct_tensor ct_math_argsort(ct_tensor x, int64_t dim, int32_t descending) {
  return tensor("argsort", [&] { return at::argsort(x->value, /*stable=*/true, dim, descending != 0); });
}

int ct_math_top(ct_tensor x, int64_t count, int64_t dim, int32_t largest, ct_tensor *values, ct_tensor *indices) {
  return effect("top", [&] {
    auto [top, where] = at::topk(x->value, count, dim, largest != 0, /*sorted=*/true);
    *values = wrap(std::move(top));
    *indices = wrap(std::move(where));
  });
}

ct_tensor ct_shape_reshape(ct_tensor x, const int64_t *sizes, int32_t rank) {
  return tensor("reshape", [&] { return x->value.reshape(ints(sizes, rank)); });
}
ct_tensor ct_shape_permute(ct_tensor x, const int64_t *dims, int32_t rank) {
  return tensor("permute", [&] { return x->value.permute(ints(dims, rank)); });
}
ct_tensor ct_shape_expand(ct_tensor x, const int64_t *sizes, int32_t rank) {
  return tensor("expand", [&] { return x->value.expand(ints(sizes, rank)); });
}
ct_tensor ct_shape_flatten(ct_tensor x, int64_t first, int64_t last) {
  return tensor("flatten", [&] { return x->value.flatten(first, last); });
}
ct_tensor ct_shape_narrow(ct_tensor x, int64_t dim, int64_t start, int64_t length) {
  return tensor("narrow", [&] { return x->value.narrow(dim, start, length); });
}
ct_tensor ct_shape_slice(ct_tensor x, int64_t dim, int64_t start, int64_t end, int64_t step) {
  return tensor("slice", [&] { return x->value.slice(dim, start, end, step); });
}
ct_tensor ct_shape_select(ct_tensor x, int64_t dim, int64_t index) {
  return tensor("select", [&] { return x->value.select(dim, index); });
}
ct_tensor ct_shape_index_select(ct_tensor x, int64_t dim, ct_tensor indices) {
  return tensor("index_select", [&] { return x->value.index_select(dim, indices->value); });
}
ct_tensor ct_shape_gather(ct_tensor x, int64_t dim, ct_tensor indices) {
  return tensor("gather", [&] { return x->value.gather(dim, indices->value); });
}
ct_tensor ct_shape_concatenate(const ct_tensor *parts, int32_t count, int64_t dim) {
  return tensor("concatenate", [&] { return at::cat(list(parts, count), dim); });
}
ct_tensor ct_shape_stack(const ct_tensor *parts, int32_t count, int64_t dim) {
  return tensor("stack", [&] { return at::stack(list(parts, count), dim); });
}
ct_tensor ct_shape_pad(ct_tensor x, const int64_t *padding, int32_t count) {
  return tensor("pad", [&] { return at::constant_pad_nd(x->value, ints(padding, count), 0); });
}

int ct_shape_fill_at(ct_tensor x, ct_tensor indices, double value) {
  return effect("fill_at", [&] {
    const at::NoGradGuard no_grad;
    x->value.view({-1}).index_fill_(0, indices->value, value);
  });
}
