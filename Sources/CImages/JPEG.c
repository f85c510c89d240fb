#include "Raster.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
// After stdio.h, which it needs.
#include <jpeglib.h>
#include <jerror.h>

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  char *message;
  char words[JMSG_LENGTH_MAX];
} failure;

static void stop(j_common_ptr info) {
  failure *own = (failure *)info->err;
  (*info->err->format_message)(info, own->words);
  fail(own->message, own->words);
  longjmp(own->jump, 1);
}

// libjpeg goes on after damage, with grey or with noise. Warnings that do not mean lost pixels are none of ours.
static void judge(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE:
      stop(info);
      break;
    default: break;
  }
}

static void be_quiet(j_common_ptr info) { (void)info; }

// The smallest eighths of an image of `size` that still cover `wanted`.
static unsigned eighths(const struct jpeg_decompress_struct *jpeg, frame wanted) {
  for (unsigned n = 1; n < 8; ++n) {
    if ((uint64_t)jpeg->image_width * n / 8 >= wanted.width && (uint64_t)jpeg->image_height * n / 8 >= wanted.height) return n;
  }
  return 8;
}

// Inks are stored inverted by Adobe's programs, and by all that follow them.
static void to_rgb(const uint8_t *cmyk, uint32_t width, int is_inverted, uint8_t *rgb) {
  for (uint32_t x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) {
      const unsigned ink = is_inverted ? cmyk[c] : 255 - cmyk[c], key = is_inverted ? cmyk[3] : 255 - cmyk[3];
      rgb[c] = (uint8_t)((ink * key + 127) / 255);
    }
  }
}

static void find_orientation(const struct jpeg_decompress_struct *jpeg, int *orientation) {
  for (const struct jpeg_marker_struct *marker = jpeg->marker_list; marker; marker = marker->next) {
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6 && memcmp(marker->data, "Exif\0", 6) == 0) {
      *orientation = exif_orientation(marker->data + 6, marker->data_length - 6);
      return;
    }
  }
}

int decode_jpeg(const uint8_t *file, size_t count, const frame *wanted, raster *image, int *orientation, char *message) {
  struct jpeg_decompress_struct jpeg;
  failure failure;
  // Volatile, because it changes after setjmp.
  uint8_t *volatile row = NULL;
  memset(&jpeg, 0, sizeof jpeg);
  memset(image, 0, sizeof *image);
  jpeg.err = jpeg_std_error(&failure.base);
  failure.base.error_exit = stop;
  failure.base.emit_message = judge;
  failure.base.output_message = be_quiet;
  failure.message = message;
  if (setjmp(failure.jump)) {
    jpeg_destroy_decompress(&jpeg);
    free(row);
    free(image->pixels);
    image->pixels = NULL;
    return 1;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, file, count);
  jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&jpeg, TRUE);
  find_orientation(&jpeg, orientation);
  int status = check_size(jpeg.image_width, jpeg.image_height, message);
  image->width = jpeg.image_width, image->height = jpeg.image_height;
  // A Huffman code has a bit at least, and a block of 64 pixels one of them, half of that where colours are coarser than greys.
  if (status == 0 && !jpeg.arith_code && (uint64_t)jpeg.image_width * jpeg.image_height / 1024 > count) {
    status = fail(message, "it says that it holds more pixels than a file of its size can");
  }
  if (status == 0 && wanted) {
    frame turned = *wanted;
    if (*orientation > 4) turned = (frame){wanted->width, wanted->height};
    jpeg.scale_num = eighths(&jpeg, turned), jpeg.scale_denom = 8;
    const int is_cmyk = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
    const int is_grey = jpeg.jpeg_color_space == JCS_GRAYSCALE;
    jpeg.out_color_space = is_grey ? JCS_GRAYSCALE : is_cmyk ? JCS_CMYK : JCS_RGB;
    // Exact, on every machine.
    jpeg.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&jpeg);
    image->width = jpeg.output_width, image->height = jpeg.output_height, image->channels = is_grey ? 1 : 3;
    status = allocate(image, message);
    if (status == 0 && is_cmyk && !(row = malloc((size_t)image->width * 4))) status = fail(message, "there is no memory for it");
    while (status == 0 && jpeg.output_scanline < jpeg.output_height) {
      uint8_t *const line = image->pixels + (size_t)jpeg.output_scanline * image->width * image->channels;
      JSAMPROW target = is_cmyk ? row : line;
      jpeg_read_scanlines(&jpeg, &target, 1);
      if (is_cmyk) to_rgb(row, image->width, jpeg.saw_Adobe_marker, line);
    }
  }
  jpeg_destroy_decompress(&jpeg);
  free(row);
  if (status != 0) free(image->pixels);
  return status;
}
