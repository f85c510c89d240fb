#include "Raster.h"

#include <setjmp.h>
#include <string.h>

#include <png.h>

typedef struct {
  const uint8_t *bytes;
  size_t count, position;
} source;

static void read_bytes(png_structp png, png_bytep out, size_t count) {
  source *source = png_get_io_ptr(png);
  if (count > source->count - source->position) png_error(png, "it ends early");
  memcpy(out, source->bytes + source->position, count);
  source->position += count;
}

static void stop(png_structp png, png_const_charp words) {
  fail(png_get_error_ptr(png), words);
  png_longjmp(png, 1);
}

static void be_quiet(png_structp png, png_const_charp words) { (void)png, (void)words; }

static uint32_t number(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// Of the chunks before the pixels; libpng itself is to read none that it need not.
static int orientation_of(const uint8_t *file, size_t count) {
  for (size_t at = 8; at + 12 <= count;) {
    const size_t length = number(file + at);
    if (length > count - at - 12 || memcmp(file + at + 4, "IDAT", 4) == 0) return 1;
    if (memcmp(file + at + 4, "eXIf", 4) == 0) return exif_orientation(file + at + 8, length);
    at += 12 + length;
  }
  return 1;
}

int decode_png(const uint8_t *file, size_t count, const frame *wanted, raster *image, int *orientation, char *message) {
  source source = {file, count, 0};
  // Volatile, because they change after setjmp.
  png_infop volatile info = NULL;
  png_bytep *volatile rows = NULL;
  memset(image, 0, sizeof *image);
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, stop, be_quiet);
  if (!png) return fail(message, "there is no memory for it");
  int status = 1;
  if (setjmp(png_jmpbuf(png))) {
    png_infop found = info;
    png_destroy_read_struct(&png, &found, NULL);
    free((void *)rows);
    free(image->pixels);
    image->pixels = NULL;
    return 1;
  }
  info = png_create_info_struct(png);
  if (!info) png_error(png, "there is no memory for it");
  png_set_read_fn(png, &source, read_bytes);
  png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
  // Texts, profiles and the like may be compressed a thousandfold.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info(png, info);
  image->width = png_get_image_width(png, info), image->height = png_get_image_height(png, info);
  *orientation = orientation_of(file, count);
  status = check_size(image->width, image->height, message);
  // deflate expands a byte to at most 1032; twice that leaves room for the seven passes of interlaced images.
  if (status == 0 && (png_get_rowbytes(png, info) + 1) * (uint64_t)image->height / 2064 > count) {
    status = fail(message, "it says that it holds more pixels than a file of its size can");
  }
  if (status == 0 && wanted) {
    png_set_scale_16(png);
    if (png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (!(png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR)) png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    image->channels = png_get_channels(png, info);
    const size_t line = png_get_rowbytes(png, info);
    if ((image->channels != 1 && image->channels != 3) || line != (size_t)image->width * image->channels) {
      png_error(png, "its colours are of no known kind");
    }
    status = allocate(image, message);
    if (status == 0 && !(rows = malloc(image->height * sizeof *rows))) png_error(png, "there is no memory for it");
    if (status == 0) {
      for (uint32_t y = 0; y < image->height; ++y) rows[y] = image->pixels + y * line;
      png_read_image(png, (png_bytepp)rows);
    }
  }
  png_infop found = info;
  png_destroy_read_struct(&png, &found, NULL);
  free((void *)rows);
  if (status != 0) free(image->pixels);
  return status;
}
