// Several callers of one compiled model at once, each with numbers of its own: what each gets must be what it gets alone, bit for bit.
// Scripts/test-callers builds this and the runtime for ThreadSanitizer, which reports every race.
#include "../../Examples/ClassifyInC/espalier.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLERS = 4, CALLS = 12, MOST = 70 };

typedef struct {
  espalier_model *model;
  size_t count;
  float *input, *expected, *output;
  int failed;
} caller;

static int run(const caller *c, float *output) {
  char reason[200] = "";
  if (espalier_run(c->model, c->input, c->count, output, reason, sizeof reason) == 0) return 0;
  fprintf(stderr, "callers: %s\n", reason);
  return 1;
}

static void *call(void *argument) {
  caller *c = argument;
  const size_t size = c->count * espalier_output_count(c->model) * sizeof(float);
  for (int i = 0; i < CALLS; ++i) {
    memset(c->output, 0xff, size);
    if (run(c, c->output) || memcmp(c->output, c->expected, size)) c->failed = 1;
  }
  return NULL;
}

int main(int count, char **arguments) {
  int failed = 0;
  for (int k = 1; k < count; ++k) {
    char reason[200] = "";
    espalier_model *model = espalier_open(arguments[k], 2, reason, sizeof reason);
    if (!model) {
      fprintf(stderr, "callers: %s: %s\n", arguments[k], reason);
      return 1;
    }
    const size_t inputs = espalier_input_count(model), outputs = espalier_output_count(model);
    // A lone example, some that go through one after another, a group of 16, and groups with a remainder.
    const size_t counts[CALLERS] = {1, 5, 16, MOST};
    caller callers[CALLERS];
    for (int i = 0; i < CALLERS; ++i) {
      caller *c = &callers[i];
      *c = (caller){.model = model, .count = counts[i]};
      c->input = malloc(counts[i] * inputs * sizeof(float));
      c->expected = malloc(counts[i] * outputs * sizeof(float));
      c->output = malloc(counts[i] * outputs * sizeof(float));
      for (size_t v = 0; v < counts[i] * inputs; ++v) c->input[v] = (float)((v * 7919 + i * 31) % 255) / 255 - 0.5f;
      failed |= run(c, c->expected);
    }
    pthread_t threads[CALLERS];
    for (int i = 0; i < CALLERS; ++i) pthread_create(&threads[i], NULL, call, &callers[i]);
    for (int i = 0; i < CALLERS; ++i) {
      pthread_join(threads[i], NULL);
      failed |= callers[i].failed;
      free(callers[i].input);
      free(callers[i].expected);
      free(callers[i].output);
    }
    espalier_close(model);
    if (failed) {
      fprintf(stderr, "callers: %s: a caller among others got other numbers than alone\n", arguments[k]);
      return 1;
    }
  }
  printf("callers: %d callers of each of %d models got what they get alone\n", CALLERS, count - 1);
  return 0;
}
