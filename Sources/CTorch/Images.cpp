#include "Handle.hpp"

using namespace espalier;

namespace {

struct Place {
  int64_t top, left;
  bool mirror;
};

// `convert(c)` returns what an element of channel c becomes.
template <typename Element, typename Convert>
void assemble(const ct_image_source &source, const Element *image, Place place, float *example, Convert convert) {
  const int64_t channels = source.channels, height = source.height, width = source.width, area = height * width;
  const int64_t out_height = source.out_height, out_width = source.out_width, out_area = out_height * out_width;
  const int64_t step = source.channels_last ? channels : 1;
  const bool is_whole = place.top == 0 && place.left == 0 && !place.mirror && out_height == height && out_width == width;
  for (int64_t c = 0; c < channels; ++c) {
    const Element *plane = image + (source.stored_channels == 1 ? 0 : c) * area;
    float *target = source.channels_last ? example + c : example + c * out_area;
    const auto value = convert(c);
    if (is_whole) {
      for (int64_t p = 0; p < area; ++p) target[p * step] = value(plane[p]);
      continue;
    }
    for (int64_t y = 0; y < out_height; ++y) {
      const int64_t from_y = y + place.top;
      for (int64_t x = 0; x < out_width; ++x) {
        // Crop first, then mirror, as torchvision composes them.
        const int64_t from_x = (place.mirror ? out_width - 1 - x : x) + place.left;
        const bool inside = from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
        target[(y * out_width + x) * step] = inside ? value(plane[from_y * width + from_x]) : source.fill[c];
      }
    }
  }
}

}  // namespace

int ct_image_assemble(
    const ct_image_source *source, const int64_t *indices, int64_t count, const int32_t *dy, const int32_t *dx, const uint8_t *mirrored,
    float *out) {
  const int64_t size = int64_t{source->stored_channels} * source->height * source->width;
  const int64_t out_size = int64_t{source->channels} * source->out_height * source->out_width;
  for (int64_t b = 0; b < count; ++b) {
    if (indices[b] < 0 || indices[b] >= source->count) {
      set_error("assemble_images", "an index lies outside the data set");
      return 1;
    }
    const Place place{
      dy ? dy[b] : (source->height - source->out_height) / 2, dx ? dx[b] : (source->width - source->out_width) / 2,
      mirrored && mirrored[b]};
    float *example = out + b * out_size;
    if (source->floats) {
      assemble(*source, source->floats + indices[b] * size, place, example, [source](int64_t c) {
        return [mean = source->mean[c], deviation = source->deviation[c]](float x) { return (x - mean) / deviation; };
      });
    } else {
      assemble(*source, source->bytes + indices[b] * size, place, example, [source](int64_t c) {
        return [table = source->table + c * 256](uint8_t byte) { return table[byte]; };
      });
    }
  }
  return 0;
}
