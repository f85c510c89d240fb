// Where the kept weights of a convolution read and write: maps of 16 examples a group (CSparseConvolution.h), and the weights in the order
// in which kernels use them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "CSparse.h"

namespace espalier {

// A convolution along rows or columns.
struct Side {
  int64_t taps, stride, padding, dilation;
  int64_t output(int64_t size) const { return (size + 2 * padding - dilation * (taps - 1) - 1) / stride + 1; }
  // With a stride, every stride-th pixel of an image is in a part of its own, which output pixel i reads at i + shift.
  int64_t parts(int64_t size) const { return (size + stride - 1) / stride; }
  int64_t part(int64_t tap) const { return ((tap * dilation - padding) % stride + stride) % stride; }
  int64_t shift(int64_t tap) const { return (tap * dilation - padding - part(tap)) / stride; }
};

// A map's sizes in positions of 16 values. Neighbouring rows and channels share the zeros between them, as many as readers reach on
// either side; the number of positions in a channel is odd, because powers of two would all compete for the same places of the caches.
struct Geometry {
  int64_t channels, height, width, row, channel, margin;

  // low ... high: how far outputs of `rows` × `columns` read from their own places, down and right.
  struct Reach {
    int64_t rows, columns, top, bottom, left, right;
  };
  Geometry(int64_t channels, int64_t height, int64_t width, const Reach *reach = nullptr)
      : channels(channels), height(height), width(width), row(width), channel(0), margin(0) {
    int64_t down = 0;
    if (reach) {
      down = std::max<int64_t>({0, -reach->top, reach->rows + reach->bottom - height});
      const int64_t right = std::max<int64_t>({0, -reach->left, reach->columns + reach->right - width});
      row += right;
      margin = down * row + right;
    }
    channel = ((height + down) * row) | 1;
  }
  int64_t group() const { return channels * channel; }
  int64_t count(int64_t groups) const { return groups * group() + 2 * margin + row; }
  int64_t place(int64_t in_group, int64_t in_row, int64_t in_column) const {
    return margin + in_group * group() + in_row * row + in_column;
  }
};

// Kept weights by outputs within blocks of input channels (cs_filters), each with its position in the layer's weights.
struct Arrangement {
  struct Weight {
    uint32_t output, input, position;
    int64_t shift;
  };

  std::vector<uint32_t> bases, starts, positions, costs;
  std::vector<uint16_t> offsets;
  // Positions from a block's first offset to its first pixel.
  int64_t before = 0;
  // Whether 16 bits are enough for the offsets within a channel.
  bool fits = true;

  // `channel`: positions from an input channel to the next.
  Arrangement(const std::vector<Weight> &weights, int64_t outputs, int64_t inputs, int64_t channel);
  cs_filters filters(const float *values) const;
  // The first output of each member's share, all of about equal cost, and the end.
  std::vector<uint32_t> shares(int64_t members) const;
};

// The tiles of outputs of some size that lie in one map and read, or are multiplied with, another.
struct Tiles {
  std::vector<cs_tile> tiles;
  // Values from a tile's row to the next.
  size_t in_row, out_row;

  // `before`: how far before the place of an output its offsets begin; `capacity`: the most vectors of a tile.
  Tiles(int64_t groups, const Geometry &in, int64_t before, const Geometry &out, int64_t capacity);
};

// A layer for images of one size: x and y are the maps of the forward pass, dy and dx those of the backward pass.
struct Layout {
  int64_t image_height, image_width;
  Geometry x, y, dy, dx;
  Arrangement forward, backward;
};

// The kept weights of a convolution.
struct SparseFilters {
  int64_t outputs, inputs;
  Side down, right;
  std::vector<uint32_t> kept;  // positions in [outputs][kernel height][kernel width][inputs], ascending
  const cs_convolutions *kernels;

  // nullptr where 16 bits are too few.
  std::shared_ptr<const Layout> layout(int64_t image_height, int64_t image_width) const;

 private:
  mutable std::mutex mutex;
  mutable std::vector<std::shared_ptr<const Layout>> layouts;
  std::shared_ptr<const Layout> arranged(int64_t image_height, int64_t image_width) const;
};

}  // namespace espalier
