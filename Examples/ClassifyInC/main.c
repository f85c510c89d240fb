// Reads float32 examples from standard input and prints the largest output of each.
//
//     main PLAN < examples.f32
#include "espalier.h"

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
  if (count != 2) return fprintf(stderr, "usage: %s PLAN < examples.f32\n", arguments[0]), 64;
  char message[256];
  espalier_model *model = espalier_open(arguments[1], 1, message, sizeof message);
  if (!model) return fprintf(stderr, "%s\n", message), 65;
  const size_t inputs = espalier_input_count(model), outputs = espalier_output_count(model);
  float *input = malloc(inputs * sizeof *input), *output = malloc(outputs * sizeof *output);
  while (input && output && fread(input, sizeof *input, inputs, stdin) == inputs) {
    if (espalier_run(model, input, 1, output, message, sizeof message) != 0) return fprintf(stderr, "%s\n", message), 71;
    size_t best = 0;
    for (size_t i = 1; i < outputs; ++i) best = output[i] > output[best] ? i : best;
    printf("%zu %g\n", best, output[best]);
  }
  free(input), free(output);
  espalier_close(model);
  return 0;
}
