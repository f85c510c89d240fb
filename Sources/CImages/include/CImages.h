// Photographs in JPEG and PNG files, cut to the size that a network takes. libjpeg and libpng report errors by longjmp, which must not
// cross Swift: this is the only code that sees them. Nothing is kept between calls, and any number of threads may call.
#ifndef CIMAGES_H
#define CIMAGES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// Bytes of a message, with the 0 at its end.
enum { CI_MESSAGE = 256 };
// The most pixels of an image: what claims more is refused before memory is asked for.
enum { CI_MOST_PIXELS = 1 << 26 };

// Reads an image's width and height, as it is to be shown, from the head of its file, and checks that it can be decoded. Returns 0;
// otherwise `message` says what is wrong.
int ci_inspect(const uint8_t *file, size_t count, uint32_t *width, uint32_t *height, char *message);

// Decodes an image, turns it as its EXIF orientation says, scales it with antialiasing until it just covers height × width, and writes
// the middle of that: out[channels][height][width]. One channel is luma, three are red, green and blue; transparency is ignored. A large
// JPEG is decoded at a fraction of its size. An image that ends early or is damaged is an error. Returns 0; otherwise `message` says what
// is wrong.
int ci_decode(
  const uint8_t *file, size_t count, uint32_t channels, uint32_t height, uint32_t width, uint8_t *out, char *message);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
#endif
