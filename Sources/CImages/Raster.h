// What the parts of the decoder share.
#ifndef RASTER_H
#define RASTER_H

#include "include/CImages.h"

#include <stdlib.h>

// A decoded image, row by row, `channels` bytes a pixel: 1 for grey, 3 for red, green and blue.
typedef struct {
  uint8_t *pixels;  // from malloc
  uint32_t width, height, channels;
} raster;

// The size at which an image is to cover a frame, and the least part of it that a decoder may therefore deliver.
typedef struct {
  uint32_t height, width;
} frame;

// 1 if the file's EXIF data say nothing else: 2 mirrored, 3 turned by 180°, 4 mirrored upside down, 5 to 8 with sides exchanged.
int exif_orientation(const uint8_t *exif, size_t count);

// `wanted` is NULL where only sizes are asked for; then no pixels are decoded.
int decode_jpeg(const uint8_t *file, size_t count, const frame *wanted, raster *image, int *orientation, char *message);
int decode_png(const uint8_t *file, size_t count, const frame *wanted, raster *image, int *orientation, char *message);

// Says that an image is too large, or asks for its memory: width · height · channels bytes.
int check_size(uint64_t width, uint64_t height, char *message);
int allocate(raster *image, char *message);
int fail(char *message, const char *words);

#endif
