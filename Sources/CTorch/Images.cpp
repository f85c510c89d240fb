#include "Handle.hpp"

using namespace espalier;

int ct_image_assemble(
    const ct_image_source *source, const int64_t *indices, int64_t count, const int32_t *dy, const int32_t *dx, const uint8_t *mirrored,
    float *out) {
  const int64_t channels = source->channels, height = source->height, width = source->width;
  const int64_t area = height * width, size = channels * area;
  for (int64_t b = 0; b < count; ++b) {
    if (indices[b] < 0 || indices[b] >= source->count) {
      set_error("assemble_images", "an index lies outside the data set");
      return 1;
    }
    const uint8_t *image = source->images + indices[b] * size;
    float *example = out + b * size;
    const int64_t top = dy ? dy[b] : 0, left = dx ? dx[b] : 0;
    const bool mirror = mirrored && mirrored[b];
    const int64_t step = source->channels_last ? channels : 1;
    for (int64_t c = 0; c < channels; ++c) {
      const uint8_t *plane = image + c * area;
      const float *table = source->table + c * 256;
      float *target = source->channels_last ? example + c : example + c * area;
      if (top == 0 && left == 0 && !mirror) {
        for (int64_t p = 0; p < area; ++p) target[p * step] = table[plane[p]];
        continue;
      }
      for (int64_t y = 0; y < height; ++y) {
        const int64_t from_y = y + top;
        for (int64_t x = 0; x < width; ++x) {
          // Crop first, then mirror, as torchvision composes them.
          const int64_t from_x = (mirror ? width - 1 - x : x) + left;
          const bool inside = from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
          target[(y * width + x) * step] = inside ? table[plane[from_y * width + from_x]] : source->fill[c];
        }
      }
    }
  }
  return 0;
}
