// Runs networks that `espalier compile` has made, from C: a static library without libtorch (Scripts/embed).
#ifndef ESPALIER_H
#define ESPALIER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct espalier_model espalier_model;

// Reads a plan, which must not change while it is in use; `threads` compute a call together. NULL if it cannot be used: then `message`, if
// not NULL, has the reason, cut to `size` bytes with the 0 at its end.
espalier_model *espalier_open(const char *path, uint32_t threads, char *message, size_t size);
// Releases what espalier_open has returned.
void espalier_close(espalier_model *model);

// Values of an example, [channels][height][width], and of its output.
size_t espalier_input_count(espalier_model *model);
size_t espalier_output_count(espalier_model *model);

// Computes the outputs of `count` examples. Any threads may call at once; the first calls allocate memory, later ones do not. Returns 0, or -1
// with the reason in `message`.
int espalier_run(espalier_model *model, const float *input, size_t count, float *output, char *message, size_t size);

// Writes the input of an image of one byte for each value, normalised as the network was trained on.
void espalier_input_of_image(espalier_model *model, const uint8_t *bytes, float *input);

#ifdef __cplusplus
}
#endif
#endif
