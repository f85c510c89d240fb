#include "Raster.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int fail(char *message, const char *words) {
  snprintf(message, CI_MESSAGE, "%s", words);
  return 1;
}

int check_size(uint64_t width, uint64_t height, char *message) {
  if (width > 0 && height > 0 && width <= CI_MOST_PIXELS / height) return 0;
  snprintf(
    message, CI_MESSAGE, "an image of %llu×%llu pixels: at most %d are possible", (unsigned long long)width, (unsigned long long)height,
    CI_MOST_PIXELS);
  return 1;
}

int allocate(raster *image, char *message) {
  image->pixels = malloc((size_t)image->width * image->height * image->channels);
  return image->pixels ? 0 : fail(message, "there is no memory for it");
}

static uint32_t two_or_four(const uint8_t *bytes, int count, int is_big) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) value |= (uint32_t)bytes[i] << 8 * (is_big ? count - 1 - i : i);
  return value;
}

int exif_orientation(const uint8_t *exif, size_t count) {
  if (count < 8 || (memcmp(exif, "II", 2) != 0 && memcmp(exif, "MM", 2) != 0)) return 1;
  const int is_big = exif[0] == 'M';
  const size_t start = two_or_four(exif + 4, 4, is_big);
  if (start > count - 2) return 1;
  const size_t entries = two_or_four(exif + start, 2, is_big);
  for (size_t i = 0, at = start + 2; i < entries && at + 12 <= count; ++i, at += 12) {
    if (two_or_four(exif + at, 2, is_big) != 0x0112) continue;
    const uint32_t value = two_or_four(exif + at + 8, 2, is_big);
    return value >= 1 && value <= 8 ? (int)value : 1;
  }
  return 1;
}

// The weights of one output pixel: those of `count` pixels from `first` on.
typedef struct {
  uint32_t first, count;
  float *weights;
} taps;

// Triangles as wide as an output pixel, but at least as an input pixel, so that shrinking does not alias.
static taps *make_taps(uint32_t in, double start, double scale, uint32_t out, float **memory) {
  const double support = scale > 1 ? scale : 1;
  const size_t most = (size_t)ceil(support) * 2 + 1;
  taps *all = malloc(out * sizeof *all);
  *memory = malloc(out * most * sizeof **memory);
  if (!all || !*memory) {
    free(all), free(*memory);
    *memory = NULL;
    return NULL;
  }
  for (uint32_t o = 0; o < out; ++o) {
    const double centre = start + (o + 0.5) * scale;
    const double low = floor(centre - support + 0.5), high = floor(centre + support + 0.5);
    const uint32_t first = low < 0 ? 0 : low > in - 1 ? in - 1 : (uint32_t)low;
    uint32_t end = high > in ? in : high <= first ? first + 1 : (uint32_t)high;
    if (end - first > most) end = first + (uint32_t)most;
    float *weights = *memory + o * most;
    double sum = 0;
    for (uint32_t i = first; i < end; ++i) {
      const double distance = fabs((i + 0.5 - centre) / support);
      weights[i - first] = (float)(distance < 1 ? 1 - distance : 0);
      sum += weights[i - first];
    }
    if (sum <= 0) weights[0] = 1, sum = 1;
    for (uint32_t i = first; i < end; ++i) weights[i - first] = (float)(weights[i - first] / sum);
    all[o] = (taps){first, end - first, weights};
  }
  return all;
}

static uint8_t to_byte(float value) { return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5f); }

// Scales the middle of an image to height × width pixels, first along rows, then along columns; the same channels.
static int resample(const raster *image, frame wanted, uint8_t *out, char *message) {
  const double down = (double)image->height / wanted.height, across = (double)image->width / wanted.width;
  const double scale = down < across ? down : across;
  const double top = (image->height - scale * wanted.height) / 2, left = (image->width - scale * wanted.width) / 2;
  const uint32_t channels = image->channels;
  float *memory[2] = {NULL, NULL};
  taps *columns = make_taps(image->width, left, scale, wanted.width, &memory[0]);
  taps *rows = make_taps(image->height, top, scale, wanted.height, &memory[1]);
  float *lines = NULL, *sums = malloc((size_t)wanted.width * channels * sizeof *sums);
  int status = 1;
  if (columns && rows && sums) {
    const uint32_t from = rows[0].first, to = rows[wanted.height - 1].first + rows[wanted.height - 1].count;
    const size_t line = (size_t)wanted.width * channels;
    lines = malloc((to - from) * line * sizeof *lines);
    if (lines) {
      for (uint32_t y = from; y < to; ++y) {
        const uint8_t *pixels = image->pixels + (size_t)y * image->width * channels;
        for (uint32_t x = 0; x < wanted.width; ++x) {
          for (uint32_t c = 0; c < channels; ++c) {
            float sum = 0;
            for (uint32_t i = 0; i < columns[x].count; ++i) {
              sum += columns[x].weights[i] * pixels[(size_t)(columns[x].first + i) * channels + c];
            }
            lines[(y - from) * line + x * channels + c] = sum;
          }
        }
      }
      for (uint32_t y = 0; y < wanted.height; ++y) {
        memset(sums, 0, line * sizeof *sums);
        for (uint32_t i = 0; i < rows[y].count; ++i) {
          const float *values = lines + (rows[y].first + i - from) * line, weight = rows[y].weights[i];
          for (size_t k = 0; k < line; ++k) sums[k] += weight * values[k];
        }
        for (size_t k = 0; k < line; ++k) out[y * line + k] = to_byte(sums[k]);
      }
      status = 0;
    }
  }
  if (status != 0) fail(message, "there is no memory for it");
  free(columns), free(rows), free(memory[0]), free(memory[1]), free(lines), free(sums);
  return status;
}

// Turns a frame of pixels as its orientation says, and its channels into those that are wanted.
static void put(const uint8_t *pixels, uint32_t has, int orientation, uint32_t channels, uint32_t height, uint32_t width, uint8_t *out) {
  const int is_turned = orientation > 4;
  const uint32_t stored_width = is_turned ? height : width, stored_height = is_turned ? width : height;
  const size_t area = (size_t)height * width;
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) {
      uint32_t from_y = is_turned ? x : y, from_x = is_turned ? y : x;
      // What is stored upside down, or from right to left.
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) from_y = stored_height - 1 - from_y;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) from_x = stored_width - 1 - from_x;
      const uint8_t *pixel = pixels + ((size_t)from_y * stored_width + from_x) * has;
      const size_t place = (size_t)y * width + x;
      if (channels == 1) {
        // Luma of ITU-R BT.601, as in JPEG files themselves.
        out[place] = has == 1 ? pixel[0] : (uint8_t)((19595u * pixel[0] + 38470u * pixel[1] + 7471u * pixel[2] + 32768u) >> 16);
      } else {
        for (uint32_t c = 0; c < 3; ++c) out[c * area + place] = pixel[has == 1 ? 0 : c];
      }
    }
  }
}

static int decode(
    const uint8_t *file, size_t count, const frame *wanted, raster *image, int *orientation, char *message) {
  static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  *orientation = 1;
  if (count == 0) return fail(message, "it is empty");
  if (count >= 3 && file[0] == 0xFF && file[1] == 0xD8 && file[2] == 0xFF) {
    return decode_jpeg(file, count, wanted, image, orientation, message);
  }
  if (count >= 8 && memcmp(file, png, 8) == 0) return decode_png(file, count, wanted, image, orientation, message);
  return fail(message, "it is neither a JPEG nor a PNG image");
}

int ci_inspect(const uint8_t *file, size_t count, uint32_t *width, uint32_t *height, char *message) {
  raster image;
  int orientation;
  if (decode(file, count, NULL, &image, &orientation, message) != 0) return 1;
  *width = orientation > 4 ? image.height : image.width;
  *height = orientation > 4 ? image.width : image.height;
  return 0;
}

int ci_decode(
    const uint8_t *file, size_t count, uint32_t channels, uint32_t height, uint32_t width, uint8_t *out, char *message) {
  raster image;
  int orientation;
  const frame shown = {height, width};
  if (decode(file, count, &shown, &image, &orientation, message) != 0) return 1;
  const frame stored = orientation > 4 ? (frame){width, height} : shown;
  uint8_t *pixels = malloc((size_t)height * width * image.channels);
  int status = pixels ? resample(&image, stored, pixels, message) : fail(message, "there is no memory for it");
  if (status == 0) put(pixels, image.channels, orientation, channels, height, width, out);
  free(pixels);
  free(image.pixels);
  return status;
}
