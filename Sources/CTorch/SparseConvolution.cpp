// Convolutions that compute with the kept weights alone, forwards and backwards: libtorch's tensors around the kernels of CSparse.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <limits>

#include "Handle.hpp"
#include "Parallel.hpp"
#include "SparseFilters.hpp"

using namespace espalier;

struct ct_sparse_filters_s {
  std::shared_ptr<const SparseFilters> value;
};

namespace {

using Filters = std::shared_ptr<const SparseFilters>;

// The untyped accessors: newer clangs mangle the typed ones' constraints, and the wheel's symbols lack them.
float *data(const at::Tensor &x) { return static_cast<float *>(x.mutable_data_ptr()); }

int64_t groups(int64_t count) { return (count + 15) / 16; }

at::Tensor room(const Geometry &map, int64_t count) { return at::empty({map.count(groups(count)) * 16}, at::kFloat); }

void by_members(void (*run)(const void *, uint32_t, uint32_t), const void *step) {
  const int64_t members = at::get_num_threads();
  // Bytes that nobody reads, one for each member.
  parallel_elements(at::empty({members}, at::kByte), 1, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) run(step, static_cast<uint32_t>(m), static_cast<uint32_t>(members));
  });
}

cs_turn_rows_step turning(const at::Tensor &images, const Geometry &g, const at::Tensor &map, int64_t down, int64_t right) {
  const auto small = [](int64_t x) { return static_cast<uint32_t>(x); };
  const cs_turned_map turned{
    data(map), static_cast<size_t>(g.margin), static_cast<size_t>(g.channel), static_cast<size_t>(g.row), small(groups(images.size(0))),
    small(g.channels), small(g.height), small(g.width)};
  return {
    data(images), small(images.size(0)), small(images.size(2)), small(images.size(3)), small(images.size(1)), small(down), small(right),
    turned};
}

at::Tensor packed(const SparseFilters &f, const at::Tensor &images, const Geometry &g, int64_t down, int64_t right) {
  const at::Tensor dense = images.contiguous(at::MemoryFormat::ChannelsLast), map = room(g, images.size(0));
  const cs_turn_rows_step step = turning(dense, g, map, down, right);
  by_members(f.kernels->pack_rows, &step);
  return map;
}

at::Tensor unpacked(
    const SparseFilters &f, const at::Tensor &map, const Geometry &g, int64_t down, int64_t right, at::IntArrayRef sizes) {
  const at::Tensor images = at::empty(sizes, at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  const cs_turn_rows_step step = turning(images, g, map, down, right);
  by_members(f.kernels->unpack_rows, &step);
  return images;
}

// The sums of shifted maps.
at::Tensor summed(
    const SparseFilters &f, const at::Tensor &map, const Geometry &in, const Arrangement &weights, const float *values, const Geometry &out,
    int64_t count, const float *bias) {
  const at::Tensor result = room(out, count);
  const Tiles tiles(groups(count), in, weights.before, out, f.kernels->sparse_vectors);
  const int64_t members = at::get_num_threads();
  const std::vector<uint32_t> shares = weights.shares(members);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  cs_sparse_step step{};
  step.filters = weights.filters(values);
  step.finish = {bias, nullptr, 0, -infinity, infinity};
  step.x = data(map), step.y = data(result);
  step.unit = 16, step.x_row = tiles.in_row, step.y_row = tiles.out_row, step.y_channel = 16 * out.channel;
  step.tiles = tiles.tiles.data(), step.tile_count = static_cast<uint32_t>(tiles.tiles.size());
  // A tile's sums of all outputs, between blocks.
  step.member = static_cast<size_t>(step.filters.outputs) * f.kernels->sparse_vectors * 16;
  const at::Tensor sums = at::empty({step.filters.blocks > 1 ? members * static_cast<int64_t>(step.member) : 0}, at::kFloat);
  step.sums = data(sums);
  // Either way every sum has the same order.
  step.shares = static_cast<int64_t>(tiles.tiles.size()) < 4 * members ? shares.data() : nullptr;
  by_members(f.kernels->sparse, &step);
  return result;
}

at::Tensor collected(const at::Tensor &weight, const std::vector<uint32_t> &positions) {
  const at::Tensor values = at::empty({static_cast<int64_t>(positions.size())}, at::kFloat);
  cs_collect(data(weight), positions.data(), positions.size(), data(values));
  return values;
}

struct SparseConvolutionBackward : torch::autograd::Node {
  Filters filters;
  std::shared_ptr<const Layout> layout;
  at::Tensor x, values;
  std::vector<int64_t> sizes;
  bool has_bias = false;

  std::string name() const override { return "SparseConvolutionBackward"; }

  void release_variables() override { x = values = at::Tensor(); }

  at::Tensor input_gradient(const at::Tensor &dy) const {
    const at::Tensor dx = summed(*filters, dy, layout->dy, layout->backward, data(values), layout->dx, sizes[0], nullptr);
    return unpacked(*filters, dx, layout->dx, filters->down.stride, filters->right.stride, sizes);
  }

  // Of the kept weights; that of all others is 0.
  at::Tensor weight_gradient(const at::Tensor &dy) const {
    const SparseFilters &f = *filters;
    const Arrangement &weights = layout->forward;
    const at::Tensor sums = at::zeros({static_cast<int64_t>(weights.positions.size())}, at::kFloat);
    const Tiles tiles(groups(sizes[0]), layout->x, weights.before, layout->dy, f.kernels->gradient_vectors);
    const std::vector<uint32_t> shares = weights.shares(at::get_num_threads());
    cs_kept_gradient_step step{};
    step.filters = weights.filters(data(sums));
    step.x = data(x), step.dy = data(dy), step.gradients = data(sums);
    step.unit = 16, step.x_row = tiles.in_row, step.dy_row = tiles.out_row, step.dy_channel = 16 * layout->dy.channel;
    step.tiles = tiles.tiles.data(), step.tile_count = static_cast<uint32_t>(tiles.tiles.size()), step.shares = shares.data();
    by_members(f.kernels->kept_gradient, &step);
    const at::Tensor all = at::zeros({f.outputs, f.down.taps, f.right.taps, f.inputs}, at::kFloat);
    cs_distribute(data(sums), weights.positions.data(), weights.positions.size(), data(all));
    return all.permute({0, 3, 1, 2});
  }

  torch::autograd::variable_list apply(torch::autograd::variable_list &&gradients) override {
    torch::autograd::variable_list result(has_bias ? 3 : 2);
    const at::Tensor &gradient = gradients[0];
    if (!gradient.defined()) return result;
    TORCH_CHECK(x.defined(), "its gradients have been computed already");
    TORCH_CHECK(!at::GradMode::is_enabled(), "a convolution with kept weights only has no second derivatives");
    const at::Tensor dy = packed(*filters, gradient, layout->dy, 1, 1);
    if (task_should_compute_output(0)) result[0] = input_gradient(dy);
    if (task_should_compute_output(1)) result[1] = weight_gradient(dy);
    if (has_bias && task_should_compute_output(2)) result[2] = gradient.sum({0, 2, 3});
    return result;
  }
};

at::Tensor convolved(
    const Filters &f, const std::shared_ptr<const Layout> &layout, const at::Tensor &x, const at::Tensor &weight,
    const std::optional<at::Tensor> &bias) {
  const bool learns = torch::autograd::compute_requires_grad(x, weight, bias);
  auto node = learns ? std::make_shared<SparseConvolutionBackward>() : nullptr;
  at::Tensor result;
  {
    const at::NoGradGuard no_gradients;
    const at::Tensor own = weight.detach().contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor map = packed(*f, x.detach(), layout->x, f->down.stride, f->right.stride);
    const at::Tensor values = collected(own, layout->forward.positions), added = bias ? bias->detach().contiguous() : at::Tensor();
    const at::Tensor y =
      summed(*f, map, layout->x, layout->forward, data(values), layout->y, x.size(0), bias ? data(added) : nullptr);
    result = unpacked(*f, y, layout->y, 1, 1, {x.size(0), f->outputs, layout->y.height, layout->y.width});
    if (!node) return result;
    node->filters = f, node->layout = layout, node->x = map, node->sizes = x.sizes().vec(), node->has_bias = bias.has_value();
    // The optimizer may change the weights before the gradients are asked for.
    if (x.requires_grad()) node->values = collected(own, layout->backward.positions);
  }
  node->set_next_edges(bias ? torch::autograd::collect_next_edges(x, weight, *bias) : torch::autograd::collect_next_edges(x, weight));
  torch::autograd::set_history(result, node);
  return result;
}

}  // namespace

ct_sparse_filters ct_sparse_filters_new(
    ct_tensor mask, const int64_t stride[2], const int64_t padding[2], const int64_t dilation[2], int32_t form) {
  return guarded<ct_sparse_filters>("sparse_filters", nullptr, [&] {
    const at::Tensor &given = mask->value;
    TORCH_CHECK(
        given.scalar_type() == at::kBool && given.dim() == 4 && given.numel() <= std::numeric_limits<uint32_t>::max(),
        "a mask is of Bool and [outputs, inputs, height, width], not ", given.scalar_type(), " ", given.sizes());
    const cs_convolutions *kernels = cs_convolutions_of_form(form);
    TORCH_CHECK(kernels, "this machine lacks kernels of form ", form);
    for (int k = 0; k < 2; ++k) {
      TORCH_CHECK(
          stride[k] > 0 && padding[k] >= 0 && dilation[k] > 0, "a stride of ", stride[k], ", a padding of ", padding[k],
          " and a dilation of ", dilation[k], " are impossible");
    }
    const at::Tensor own = given.permute({0, 2, 3, 1}).contiguous();
    const auto *keep = static_cast<const bool *>(own.const_data_ptr());
    auto filters = std::make_shared<SparseFilters>();
    filters->outputs = given.size(0), filters->inputs = given.size(1), filters->kernels = kernels;
    filters->down = {given.size(2), stride[0], padding[0], dilation[0]};
    filters->right = {given.size(3), stride[1], padding[1], dilation[1]};
    for (int64_t i = 0; i < own.numel(); ++i) if (keep[i]) filters->kept.push_back(static_cast<uint32_t>(i));
    return new ct_sparse_filters_s{filters};
  });
}

void ct_sparse_filters_free(ct_sparse_filters filters) { delete filters; }

ct_tensor ct_layer_sparse_convolution(ct_tensor x, ct_tensor weight, ct_tensor bias, ct_sparse_filters filters) {
  return tensor("sparse_convolution", [&]() -> at::Tensor {
    const SparseFilters &f = *filters->value;
    const at::Tensor &images = x->value, &weights = weight->value;
    const auto is_plain = [](const at::Tensor &t) { return t.is_cpu() && t.scalar_type() == at::kFloat; };
    TORCH_CHECK(
        is_plain(images) && is_plain(weights) && (!bias || is_plain(bias->value)), "kept weights are of Float and on the CPU");
    const int64_t shape[4] = {f.outputs, f.inputs, f.down.taps, f.right.taps};
    TORCH_CHECK(weights.sizes() == at::IntArrayRef(shape, 4), "weights of ", weights.sizes(), " have a mask of ", at::IntArrayRef(shape, 4));
    TORCH_CHECK(!bias || bias->value.sizes() == at::IntArrayRef(&f.outputs, 1), f.outputs, " outputs cannot have a bias of ", bias->value.sizes());
    TORCH_CHECK(
        images.dim() == 4 && images.size(1) == f.inputs && f.down.output(images.size(2)) > 0 && f.right.output(images.size(3)) > 0,
        "images of ", images.sizes(), " do not fit weights of ", weights.sizes());
    const auto layout = f.layout(images.size(2), images.size(3));
    if (layout) {
      const auto added = optional(bias);
      // Maps that no gradient needs are made for few examples at a time, so that their memory is used again.
      constexpr int64_t at_once = 64;
      if (images.size(0) <= at_once || torch::autograd::compute_requires_grad(images, weights, added)) {
        return convolved(filters->value, layout, images, weights, added);
      }
      std::vector<at::Tensor> parts;
      for (const at::Tensor &part : images.split(at_once)) parts.push_back(convolved(filters->value, layout, part, weights, added));
      return at::cat(parts);
    }
    const int64_t stride[2] = {f.down.stride, f.right.stride}, padding[2] = {f.down.padding, f.right.padding};
    const int64_t dilation[2] = {f.down.dilation, f.right.dilation};
    const at::Tensor keep = at::zeros({f.outputs, f.down.taps, f.right.taps, f.inputs}, at::kFloat);
    for (const uint32_t position : f.kept) data(keep)[position] = 1;
    return at::conv2d(
        images, weights.mul(keep.permute({0, 3, 1, 2})), optional(bias), ints(stride, 2), ints(padding, 2), ints(dilation, 2));
  });
}
