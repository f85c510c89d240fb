#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include "Handle.hpp"

using namespace espalier;

ct_tensor ct_layer_linear(ct_tensor x, ct_tensor weight, ct_tensor bias) {
  return tensor("linear", [&] { return at::linear(x->value, weight->value, optional(bias)); });
}

ct_tensor ct_layer_convolution(
    ct_tensor x, ct_tensor weight, ct_tensor bias, const int64_t stride[2], const int64_t padding[2], const int64_t dilation[2],
    int64_t groups) {
  return tensor("convolution", [&] {
    return at::conv2d(x->value, weight->value, optional(bias), ints(stride, 2), ints(padding, 2), ints(dilation, 2), groups);
  });
}

ct_tensor ct_layer_unfold(
    ct_tensor x, const int64_t kernel[2], const int64_t stride[2], const int64_t padding[2], const int64_t dilation[2]) {
  return tensor("unfold", [&] { return at::im2col(x->value, ints(kernel, 2), ints(dilation, 2), ints(padding, 2), ints(stride, 2)); });
}

ct_tensor ct_layer_max_pool(
    ct_tensor x, const int64_t kernel[2], const int64_t stride[2], const int64_t padding[2], int32_t ceil_mode) {
  return tensor("max_pool", [&] {
    return at::max_pool2d(x->value, ints(kernel, 2), ints(stride, 2), ints(padding, 2), {1, 1}, ceil_mode != 0);
  });
}

ct_tensor ct_layer_average_pool(
    ct_tensor x, const int64_t kernel[2], const int64_t stride[2], const int64_t padding[2], int32_t ceil_mode,
    int32_t count_padding) {
  return tensor("average_pool", [&] {
    return at::avg_pool2d(x->value, ints(kernel, 2), ints(stride, 2), ints(padding, 2), ceil_mode != 0, count_padding != 0);
  });
}

ct_tensor ct_layer_adaptive_average_pool(ct_tensor x, int64_t height, int64_t width) {
  return tensor("adaptive_average_pool", [&] {
    const int64_t sizes[2] = {height, width};
    return at::adaptive_avg_pool2d(x->value, at::IntArrayRef(sizes, 2));
  });
}

ct_tensor ct_layer_adaptive_max_pool(ct_tensor x, int64_t height, int64_t width) {
  return tensor("adaptive_max_pool", [&] {
    const int64_t sizes[2] = {height, width};
    return std::get<0>(at::adaptive_max_pool2d(x->value, at::IntArrayRef(sizes, 2)));
  });
}

ct_tensor ct_layer_pad(ct_tensor x, int64_t top, int64_t bottom, int64_t left, int64_t right) {
  return tensor("pad", [&] {
    const int64_t sides[4] = {left, right, top, bottom};
    return at::constant_pad_nd(x->value, at::IntArrayRef(sides, 4), 0);
  });
}

ct_tensor ct_layer_resize(ct_tensor x, int64_t height, int64_t width, int32_t interpolation) {
  return tensor("resize", [&] {
    const int64_t sizes[2] = {height, width};
    const at::IntArrayRef size(sizes, 2);
    if (interpolation == CT_NEAREST) return at::upsample_nearest2d(x->value, size);
    return at::upsample_bilinear2d(x->value, size, /*align_corners=*/interpolation == CT_BILINEAR_ALIGNED);
  });
}

ct_tensor ct_layer_leaky_relu(ct_tensor x, double slope) {
  return tensor("leaky_relu", [&] { return at::leaky_relu(x->value, slope); });
}

ct_tensor ct_layer_elu(ct_tensor x, double alpha) {
  return tensor("elu", [&] { return at::elu(x->value, alpha); });
}

ct_tensor ct_layer_prelu(ct_tensor x, ct_tensor slopes) {
  return tensor("prelu", [&] { return at::prelu(x->value, slopes->value); });
}

ct_tensor ct_layer_gate(ct_tensor x, ct_tensor gate) {
  return tensor("multiply", [&] {
    const at::Tensor &a = x->value, &b = gate->value;
    return a.dim() == 4 && b.dim() == 2 ? a.mul(b.unsqueeze(2).unsqueeze(3)) : a.mul(b);
  });
}

// A number for each channel, in a shape that spreads over examples and positions of x.
static at::Tensor spread(const at::Tensor &numbers, const at::Tensor &x) {
  return x.dim() == 4 ? numbers.reshape({-1, 1, 1}) : numbers;
}

ct_tensor ct_layer_channel_affine(ct_tensor x, ct_tensor weight, ct_tensor bias) {
  return tensor("channel_affine", [&] {
    at::Tensor result = x->value.mul(spread(weight->value, x->value));
    return bias ? result.add(spread(bias->value, x->value)) : result;
  });
}

ct_tensor ct_layer_channel_norm(ct_tensor x, ct_tensor weight, ct_tensor bias, double epsilon, int64_t absent) {
  return tensor("channel_norm", [&]() -> at::Tensor {
    const at::Tensor &input = x->value;
    if (absent == 0) {
      const int64_t channels = input.size(1);
      const at::IntArrayRef shape(&channels, 1);
      // With channels last, a view: the channels of a position lie side by side.
      const at::Tensor last = input.dim() == 4 ? input.permute({0, 2, 3, 1}) : input;
      const at::Tensor result = at::layer_norm(last, shape, optional(weight), optional(bias), epsilon, /*cudnn_enable=*/true);
      return input.dim() == 4 ? result.permute({0, 3, 1, 2}) : result;
    }
    const double all = static_cast<double>(input.size(1) + absent);
    const at::Tensor mean = input.sum({1}, /*keepdim=*/true).div(all), centred = input.sub(mean);
    const at::Tensor variance = centred.square().sum({1}, /*keepdim=*/true).add(mean.square(), static_cast<double>(absent)).div(all);
    at::Tensor result = centred.mul(variance.add(epsilon).rsqrt());
    if (weight) result = result.mul(spread(weight->value, input));
    return bias ? result.add(spread(bias->value, input)) : result;
  });
}

ct_tensor ct_layer_local_response_norm(ct_tensor x, int64_t size, double alpha, double beta, double k) {
  return tensor("local_response_norm", [&] {
    // The channels as the depth of a volume, whose windows are one pixel wide.
    const int64_t sides[6] = {0, 0, 0, 0, size / 2, (size - 1) / 2}, window[3] = {size, 1, 1}, step = 1;
    const at::Tensor squares = at::constant_pad_nd(x->value.square().unsqueeze(1), at::IntArrayRef(sides, 6), 0);
    const at::Tensor mean = at::avg_pool3d(squares, at::IntArrayRef(window, 3), at::IntArrayRef(&step, 1)).squeeze(1);
    return x->value.div(mean.mul(alpha).add(k).pow(beta));
  });
}

ct_tensor ct_layer_batch_norm(
    ct_tensor x, ct_tensor weight, ct_tensor bias, ct_tensor running_mean, ct_tensor running_variance, int32_t training, double momentum,
    double epsilon) {
  return tensor("batch_norm", [&] {
    // libtorch would divide by n − 1 = 0 and leave NaN in the running variance.
    TORCH_CHECK(
        !training || x->value.dim() < 2 || x->value.numel() != x->value.size(1),
        "training needs more than one value per channel, and the batch is ", x->value.sizes());
    return at::batch_norm(
        x->value, optional(weight), optional(bias), optional(running_mean), optional(running_variance), training != 0, momentum, epsilon,
        /*cudnn_enabled=*/true);
  });
}

static at::Tensor group_norm_with_absent(const at::Tensor &input, int64_t groups, double epsilon, int64_t absent) {
  TORCH_CHECK(
      input.dim() >= 2 && groups > 0 && input.size(1) % groups == 0, groups, " groups do not divide the channels of ", input.sizes());
  const int64_t present = input.size(1) / groups, positions = input[0][0].numel();
  const at::Tensor grouped = input.reshape({input.size(0), groups, present * positions});
  const double all = static_cast<double>((present + absent) * positions), zeros = static_cast<double>(absent * positions);
  const at::Tensor mean = grouped.sum({2}, /*keepdim=*/true).div(all), centred = grouped.sub(mean);
  const at::Tensor variance = centred.square().sum({2}, /*keepdim=*/true).add(mean.square(), zeros).div(all);
  return centred.mul(variance.add(epsilon).rsqrt()).reshape(input.sizes());
}

ct_tensor ct_layer_group_norm(ct_tensor x, int64_t groups, ct_tensor weight, ct_tensor bias, double epsilon, int64_t absent) {
  return tensor("group_norm", [&]() -> at::Tensor {
    const at::Tensor &input = x->value;
    const bool learns = at::GradMode::is_enabled() && ((weight && weight->value.requires_grad()) || (bias && bias->value.requires_grad()));
    // With channels last, libtorch's backward pass writes the gradient of its input even if none is needed, and crashes. Applying the
    // learned scale and shift outside of it leaves it nothing to write.
    const bool separate = learns && input.dim() == 4 && input.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
    if (absent == 0 && !separate) {
      return at::group_norm(input, groups, optional(weight), optional(bias), epsilon, /*cudnn_enabled=*/true);
    }
    at::Tensor result = absent == 0 ? at::group_norm(input, groups, {}, {}, epsilon, /*cudnn_enabled=*/true)
                                    : group_norm_with_absent(input, groups, epsilon, absent);
    std::vector<int64_t> column(input.dim(), 1);
    column[1] = -1;
    if (weight) result = result.mul(weight->value.reshape(column));
    if (bias) result = result.add(bias->value.reshape(column));
    return result;
  });
}

ct_tensor ct_layer_dropout(ct_tensor x, double probability, ct_generator generator) {
  return tensor("dropout", [&]() -> at::Tensor {
    TORCH_CHECK(probability >= 0 && probability < 1, "the probability must lie in [0, 1), not ", probability);
    at::Tensor keep;
    {
      const at::NoGradGuard no_grad;
      // Drawn on the CPU, where the generator is, for other devices too: the same seed gives the same mask.
      keep = at::empty_like(x->value, x->value.options().device(at::kCPU));
      // at::dropout draws from the global generator, which no checkpoint of ours could restore.
      keep.bernoulli_(1 - probability, generator->value).div_(1 - probability);
      if (!x->value.is_cpu()) keep = keep.to(x->value.device());
    }
    return x->value.mul(keep);
  });
}

ct_tensor ct_layer_log_softmax(ct_tensor x, int64_t dim) {
  return tensor("log_softmax", [&] { return at::log_softmax(x->value, dim); });
}

ct_tensor ct_layer_transposed_convolution(
    ct_tensor x, ct_tensor weight, ct_tensor bias, const int64_t stride[2], const int64_t padding[2], const int64_t output_padding[2],
    const int64_t dilation[2], int64_t groups) {
  return tensor("transposed_convolution", [&] {
    // libtorch wants [inputs, outputs/groups, …]: for one group a view.
    const at::Tensor &own = weight->value;
    const at::Tensor turned = own.unflatten(0, {groups, own.size(0) / groups}).transpose(1, 2).flatten(0, 1);
    return at::conv_transpose2d(
        x->value, turned, optional(bias), ints(stride, 2), ints(padding, 2), ints(output_padding, 2), groups, ints(dilation, 2));
  });
}

namespace {
// An image's pixels by window: [examples, windows, heads, width, pixels of a window].
at::Tensor windowed(const at::Tensor &x, int64_t heads, const ct_attention_window &window) {
  const int64_t down = x.size(2) / window.height, right = x.size(3) / window.width;
  const int64_t width = x.size(1) / heads;
  const bool is_grid = window.is_grid != 0;
  // Rows and columns as windows of pixels, or as pixels of windows.
  const at::Tensor parts = is_grid ? x.reshape({x.size(0), heads, width, window.height, down, window.width, right})
                                   : x.reshape({x.size(0), heads, width, down, window.height, right, window.width});
  const at::Tensor turned = is_grid ? parts.permute({0, 4, 6, 1, 2, 3, 5}) : parts.permute({0, 3, 5, 1, 2, 4, 6});
  return turned.flatten(5, 6).flatten(1, 2);
}

at::Tensor unwindowed(const at::Tensor &x, int64_t height, int64_t width, const ct_attention_window &window) {
  const int64_t down = height / window.height, right = width / window.width;
  const at::Tensor parts = x.unflatten(4, {window.height, window.width}).unflatten(1, {down, right});
  const at::Tensor turned = window.is_grid ? parts.permute({0, 3, 4, 5, 1, 6, 2}) : parts.permute({0, 3, 4, 1, 5, 2, 6});
  return turned.reshape({x.size(0), x.size(2) * x.size(3), height, width});
}

// [windows, 1, pixels, pixels]: −100 where rolling brought two pixels of a window together.
at::Tensor separation(int64_t height, int64_t width, const ct_attention_window &window, const at::Tensor &like) {
  // The side that each row or column of the image came from: only the last window's has two.
  const auto sides = [](int64_t size, int64_t shift) { return at::arange(size).ge(size - shift).to(at::kFloat); };
  const at::Tensor side = sides(height, window.shift_down).mul(2).unsqueeze(1).add(sides(width, window.shift_right).unsqueeze(0));
  const at::Tensor part = windowed(side.unsqueeze(0).unsqueeze(0), 1, window)[0].squeeze(2);
  return part.unsqueeze(3).ne(part.unsqueeze(2)).to(at::kFloat).mul(-100).to(like.options());
}
}  // namespace

ct_tensor ct_layer_attention(
    ct_tensor queries, ct_tensor keys, ct_tensor values, int64_t heads, double scale, ct_tensor weights, ct_tensor bias,
    ct_attention_window window) {
  return tensor("attention", [&] {
    const bool has_windows = window.height > 0;
    // [examples, heads, width, positions], as views, or [examples, windows, heads, width, positions].
    const auto split = [&](const at::Tensor &x) {
      if (has_windows) return windowed(x, heads, window);
      const at::Tensor flat = x.flatten(2);
      return flat.unflatten(1, {heads, flat.size(1) / heads});
    };
    const auto unit = [](const at::Tensor &x) { return x.div(at::linalg_vector_norm(x, 2, at::IntArrayRef({-2}), true).clamp_min(1e-12)); };
    at::Tensor q = split(queries->value), k = split(keys->value);
    if (weights) {
      q = unit(q).mul(weights->value.view({heads, 1, 1}));
      k = unit(k);
    }
    at::Tensor scores = at::matmul(q.mul(scale).transpose(-2, -1), k);
    if (bias) scores = scores.add(bias->value);
    const at::Tensor &image = queries->value;
    if (has_windows && (window.shift_down > 0 || window.shift_right > 0)) {
      scores = scores.add(separation(image.size(2), image.size(3), window, scores));
    }
    const at::Tensor result = at::matmul(split(values->value), scores.softmax(-1).transpose(-2, -1));
    if (has_windows) return unwindowed(result, image.size(2), image.size(3), window);
    return result.reshape({image.size(0), values->value.size(1), image.size(2), image.size(3)});
  });
}

ct_tensor ct_layer_roll(ct_tensor x, int64_t down, int64_t right) {
  return tensor("roll", [&] { return x->value.roll({down, right}, {2, 3}); });
}

ct_tensor ct_layer_softmax(ct_tensor x, int64_t dim) {
  return tensor("softmax", [&] { return at::softmax(x->value, dim); });
}

ct_tensor ct_loss_cross_entropy(ct_tensor logits, ct_tensor labels, int32_t reduction, double label_smoothing) {
  return tensor("cross_entropy", [&] {
    return at::cross_entropy_loss(logits->value, labels->value, {}, reduction, -100, label_smoothing);
  });
}

ct_tensor ct_loss_distillation(
  ct_tensor logits, ct_tensor teacher, ct_tensor labels_or_null, double temperature, double weight, double label_smoothing) {
  return tensor("distillation", [&] {
    const at::Tensor student = at::log_softmax(logits->value.div(temperature), 1);
    at::Tensor taught;
    {
      at::NoGradGuard no_gradients;
      taught = at::log_softmax(teacher->value.div(temperature), 1);
    }
    const double scale = weight * temperature * temperature / std::max<int64_t>(logits->value.size(0), 1);
    at::Tensor loss = at::kl_div(student, taught, at::Reduction::Sum, true).mul(scale);
    if (labels_or_null == nullptr) return loss;
    return loss.add(
      at::cross_entropy_loss(logits->value, labels_or_null->value, {}, at::Reduction::Mean, -100, label_smoothing), 1 - weight);
  });
}

ct_tensor ct_layer_attention_map(ct_tensor x) {
  return tensor("attention_map", [&] {
    const at::Tensor map = x->value.square().mean(1).flatten(1);
    return map.div(at::norm(map, 2, {1}, true).clamp_min(1e-12));
  });
}

ct_tensor ct_loss_mean_squared(ct_tensor x, ct_tensor y, int32_t reduction) {
  return tensor("mean_squared", [&] { return at::mse_loss(x->value, y->value, reduction); });
}
