#include "SparseFilters.hpp"

#include <limits>
#include <utility>

using namespace espalier;

// Channels that are read together. What a tile reads of them should stay in the first-level cache while all outputs read it, and each
// output should have enough weights among them to be worth loading and storing its tile; 8 to 64 make no measurable difference on VGG16.
static constexpr int64_t channels_at_once = 16;

Arrangement::Arrangement(const std::vector<Weight> &weights, int64_t outputs, int64_t inputs, int64_t channel) {
  constexpr int64_t most = std::numeric_limits<uint16_t>::max();
  int64_t furthest = 0;
  for (const Weight &w : weights) before = std::max(before, -w.shift), furthest = std::max(furthest, w.shift);
  const int64_t room = most - before - furthest;
  fits = room >= 0 && inputs * channel <= std::numeric_limits<uint32_t>::max();
  if (!fits) return;
  const int64_t span = std::min(channels_at_once, room / channel + 1), blocks = (inputs + span - 1) / span;
  for (int64_t b = 0; b < blocks; ++b) bases.push_back(static_cast<uint32_t>(b * span * channel));
  const auto cell = [&](const Weight &w) { return w.input / span * outputs + w.output; };
  starts.assign(blocks * outputs + 1, 0);
  // Loading and storing a tile costs about as much as four weights.
  costs.assign(outputs, 4);
  for (const Weight &w : weights) ++starts[cell(w) + 1], ++costs[w.output];
  for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  std::vector<uint32_t> next(starts.begin(), starts.end() - 1);
  offsets.resize(weights.size());
  positions.resize(weights.size());
  for (const Weight &w : weights) {
    const uint32_t i = next[cell(w)]++;
    offsets[i] = static_cast<uint16_t>(w.input % span * channel + w.shift + before);
    positions[i] = w.position;
  }
}

cs_filters Arrangement::filters(const float *values) const {
  return {
    static_cast<uint32_t>(costs.size()), static_cast<uint32_t>(bases.size()), bases.data(), starts.data(), offsets.data(), values};
}

std::vector<uint32_t> Arrangement::shares(int64_t members) const {
  uint64_t all = 0, sum = 0;
  for (uint32_t cost : costs) all += cost;
  std::vector<uint32_t> result{0};
  for (uint32_t o = 0; o < costs.size(); ++o) {
    while (result.size() < static_cast<size_t>(members) && sum * members >= all * result.size()) result.push_back(o);
    sum += costs[o];
  }
  result.resize(members + 1, static_cast<uint32_t>(costs.size()));
  return result;
}

// Parts of 0 ..< count, none longer than `longest` and of about one length.
static std::vector<std::pair<int64_t, int64_t>> pieces(int64_t count, int64_t longest) {
  const int64_t parts = (count + longest - 1) / longest;
  std::vector<std::pair<int64_t, int64_t>> result;
  for (int64_t k = 0; k < parts; ++k) result.push_back({count * k / parts, count * (k + 1) / parts});
  return result;
}

Tiles::Tiles(int64_t groups, const Geometry &in, int64_t before, const Geometry &out, int64_t capacity) {
  // Where images are small, a tile's rows are the same row of several groups.
  const bool by_groups = groups > 1 && out.height < 4;
  in_row = 16 * (by_groups ? in.group() : in.row);
  out_row = 16 * (by_groups ? out.group() : out.row);
  const auto columns = pieces(out.width, std::min<int64_t>(capacity, 8));
  int64_t widest = 1;
  for (const auto &[from, to] : columns) widest = std::max(widest, to - from);
  const int64_t tallest = std::max<int64_t>(capacity / widest, 1);
  const int64_t rows = by_groups ? groups : out.height, turns = by_groups ? out.height : groups;
  for (int64_t turn = 0; turn < turns; ++turn) {
    for (int64_t row = 0, height = 1; row < rows; row += height) {
      const int64_t possible = std::min(tallest, rows - row);
      height = possible >= 4 ? 4 : possible >= 2 ? 2 : 1;
      const int64_t group = by_groups ? row : turn, line = by_groups ? turn : row;
      for (const auto &[from, to] : columns) {
        tiles.push_back({
          static_cast<size_t>(16 * (in.place(group, line, from) - before)), static_cast<size_t>(16 * out.place(group, line, from)), 0,
          static_cast<uint8_t>(height), static_cast<uint8_t>(to - from), nullptr});
      }
    }
  }
}

std::shared_ptr<const Layout> SparseFilters::layout(int64_t image_height, int64_t image_width) const {
  const std::lock_guard<std::mutex> guard(mutex);
  for (const auto &known : layouts) {
    if (known->image_height == image_height && known->image_width == image_width) {
      return known->forward.fits && known->backward.fits ? known : nullptr;
    }
  }
  layouts.push_back(arranged(image_height, image_width));
  const auto &made = layouts.back();
  return made->forward.fits && made->backward.fits ? made : nullptr;
}

std::shared_ptr<const Layout> SparseFilters::arranged(int64_t image_height, int64_t image_width) const {
  const int64_t height = down.parts(image_height), width = right.parts(image_width), channels = inputs * down.stride * right.stride;
  const int64_t rows = down.output(image_height), columns = right.output(image_width);
  const int64_t top = down.shift(0), bottom = down.shift(down.taps - 1), left = right.shift(0), most_right = right.shift(right.taps - 1);
  const Geometry::Reach forwards{rows, columns, top, bottom, left, most_right};
  const Geometry::Reach backwards{height, width, -bottom, -top, -most_right, -left};
  const Geometry x(channels, height, width, &forwards), y(outputs, rows, columns);
  const Geometry dy(outputs, rows, columns, &backwards), dx(channels, height, width);
  std::vector<Arrangement::Weight> forward, backward;
  forward.reserve(kept.size());
  backward.reserve(kept.size());
  for (const uint32_t position : kept) {
    const int64_t row = position / inputs, tap = row % (down.taps * right.taps), i = tap / right.taps, j = tap % right.taps;
    const auto output = static_cast<uint32_t>(row / (down.taps * right.taps));
    const auto channel = static_cast<uint32_t>((down.part(i) * right.stride + right.part(j)) * inputs + position % inputs);
    forward.push_back({output, channel, position, down.shift(i) * x.row + right.shift(j)});
    // A pixel's gradient comes from all outputs that read it, which lie the other way.
    backward.push_back({channel, output, position, -(down.shift(i) * dy.row + right.shift(j))});
  }
  return std::make_shared<Layout>(Layout{
    image_height, image_width, x, y, dy, dx, Arrangement(forward, outputs, channels, x.channel),
    Arrangement(backward, channels, outputs, dy.channel)});
}
