#include "include/CSparse.h"

#include <stdatomic.h>

// The passes over a chain. Each member of the team computes its share of a layer, then all wait for each other: what comes next reads
// what all have written. Shares change no bit (see the header), and nothing else depends on who computes what.

static const uint32_t panel = CS_PANEL;

static uint32_t panels_of(uint32_t examples) { return (examples + panel - 1) / panel; }
static uint32_t in_panel(uint32_t examples, uint32_t index) {
  const uint32_t rest = examples - index * panel;
  return rest < panel ? rest : panel;
}

static cs_panels activations(const cs_chain *chain, uint32_t layer, uint32_t count) {
  const uint32_t width = layer == 0 ? chain->layers[0].input_count : chain->layers[layer - 1].output_count;
  return (cs_panels){chain->activations[layer], (size_t)width * panel, count};
}

static cs_panels deltas(const cs_chain *chain, uint32_t layer, uint32_t count) {
  return (cs_panels){chain->deltas[layer], (size_t)chain->layers[layer].output_count * panel, count};
}

static cs_parameters at_index(cs_parameters p, size_t index) {
  return (cs_parameters){p.weights + index, p.gradient + index, p.first + index, p.second + index};
}

// Expands for each share that a member computes: those of members that do not work are shared out too.
#define FOR_SHARES(CHAIN, MEMBER, TEAM) \
  for (uint32_t share = (MEMBER); share < (CHAIN)->share_count; share += cs_team_count(TEAM))

static cs_share part(uint32_t count, uint32_t index, uint32_t parts) {
  return (cs_share){(uint64_t)count * index / parts, (uint64_t)count * (index + 1) / parts};
}

static void forward(const cs_chain *chain, uint32_t index, cs_panels x, cs_panels y, cs_share rows) {
  const cs_chain_layer *layer = &chain->layers[index];
  const float *values = chain->parameters.weights + layer->values;
  const float *bias = layer->has_bias ? chain->parameters.weights + layer->bias : NULL;
  const int relu = index + 1 < chain->layer_count;
  if (layer->structure) {
    chain->kernels->forward(layer->structure, values, bias, x, y, rows, relu);
  } else {
    chain->kernels->dense_forward(&layer->matrix, values, bias, x, y, rows, relu);
  }
}

// A layer's rows, live ones only if it is sparse.
static cs_share all_rows(const cs_chain_layer *layer) {
  return (cs_share){0, layer->structure ? layer->structure->row_count : layer->matrix.row_count};
}

static void gather(const cs_chain *chain, const cs_examples *examples, uint32_t index, cs_share share, float *out) {
  const cs_chain_layer *first = &chain->layers[0];
  const int64_t *positions = examples->positions + index * panel;
  const uint32_t count = in_panel(examples->count, index);
  chain->kernels->gather(&examples->images, positions, count, first->structure ? first->structure->columns : NULL, share, out);
}

typedef struct {
  const cs_chain *chain;
  const cs_examples *examples;
  double smoothing;
} loss_context;

static void loss(void *argument, uint32_t member, cs_team *team) {
  const loss_context *context = argument;
  const cs_chain *chain = context->chain;
  const cs_examples *examples = context->examples;
  const cs_chain_layer *first = &chain->layers[0];
  const uint32_t panels = panels_of(examples->count);
  FOR_SHARES(chain, member, team) {
    for (uint32_t p = 0; p < panels; ++p) {
      float *out = chain->activations[0] + (size_t)p * first->input_count * panel;
      if (first->structure) {
        gather(chain, examples, p, first->columns[share], out);
      } else {
        chain->kernels->gather_rows(
          &examples->images, examples->positions + p * panel, in_panel(examples->count, p), first->columns[share],
          first->inputs + (size_t)p * panel * first->matrix.stride, first->matrix.stride, out);
      }
    }
  }
  cs_team_wait(team);
  for (uint32_t k = 0; k < chain->layer_count; ++k) {
    FOR_SHARES(chain, member, team) {
      forward(chain, k, activations(chain, k, panels), activations(chain, k + 1, panels), chain->layers[k].rows[share]);
    }
    cs_team_wait(team);
  }
  const cs_panels logits = activations(chain, chain->layer_count, panels), delta = deltas(chain, chain->layer_count - 1, panels);
  const uint32_t classes = chain->layers[chain->layer_count - 1].output_count;
  for (uint32_t p = member; p < panels; p += cs_team_count(team)) {
    chain->outcomes[p] = chain->kernels->cross_entropy(
      logits.values + p * logits.distance, classes, examples->labels + p * panel, in_panel(examples->count, p), context->smoothing,
      1.0 / examples->count, delta.values + p * delta.distance);
  }
}

static cs_outcome total(const cs_outcome *outcomes, uint32_t count) {
  cs_outcome sum = {0, 0};
  for (uint32_t p = 0; p < count; ++p) sum.loss += outcomes[p].loss, sum.correct += outcomes[p].correct;
  return sum;
}

cs_outcome cs_chain_loss(const cs_chain *chain, const cs_examples *examples, double smoothing) {
  loss_context context = {chain, examples, smoothing};
  const uint64_t mode = cs_denormals_flush();
  cs_team_run(chain->team, loss, &context);
  cs_denormals_restore(mode);
  return total(chain->outcomes, panels_of(examples->count));
}

typedef struct {
  const cs_chain *chain;
  uint32_t count;
  const cs_step *step;
} step_context;

static void step(void *argument, uint32_t member, cs_team *team) {
  const step_context *context = argument;
  const cs_chain *chain = context->chain;
  const cs_kernels *kernels = chain->kernels;
  const uint32_t panels = panels_of(context->count);
  for (uint32_t k = chain->layer_count - 1; k > 0; --k) {
    const cs_chain_layer *layer = &chain->layers[k];
    const float *values = chain->parameters.weights + layer->values, *shown = chain->activations[k];
    const cs_panels dy = deltas(chain, k, panels), dx = deltas(chain, k - 1, panels);
    FOR_SHARES(chain, member, team) {
      const cs_share columns = layer->columns[share];
      if (layer->structure) {
        kernels->input_gradient(layer->structure, values, dy, shown, dx, columns);
        continue;
      }
      kernels->dense_input_gradient(&layer->matrix, values, dy, shown, dx, columns);
      for (uint32_t p = 0; p < panels; ++p) {
        kernels->transpose(
          shown + p * dx.distance + (size_t)columns.from * panel, panel, columns.to - columns.from,
          layer->inputs + (size_t)p * panel * layer->matrix.stride + columns.from, layer->matrix.stride, in_panel(context->count, p));
      }
    }
    cs_team_wait(team);
  }
  // Nobody reads a weight any more, and nobody writes another member's.
  for (uint32_t k = 0; k < chain->layer_count; ++k) {
    const cs_chain_layer *layer = &chain->layers[k];
    const cs_parameters own = at_index(chain->parameters, layer->values);
    const cs_panels dy = deltas(chain, k, panels);
    FOR_SHARES(chain, member, team) {
      if (layer->structure) {
        kernels->update(layer->structure, dy, activations(chain, k, panels), layer->rows[share], context->step, own);
      } else {
        kernels->dense_update(&layer->matrix, dy, layer->inputs, context->count, layer->rows[share], context->step, own);
      }
      if (!layer->has_bias) continue;
      const cs_share biases = part(layer->bias_count, share, chain->share_count);
      kernels->bias_update(layer->bias_rows, biases, dy, context->step, at_index(chain->parameters, layer->bias));
    }
  }
}

void cs_chain_step(const cs_chain *chain, uint32_t count, const cs_step *step_) {
  step_context context = {chain, count, step_};
  const uint64_t mode = cs_denormals_flush();
  cs_team_run(chain->team, step, &context);
  cs_denormals_restore(mode);
}

typedef struct {
  const cs_chain *chain;
  const cs_examples *examples;
  const float *const *panels;
  cs_outcome *outcomes;
  float *const *scratch;
  atomic_uint next;
} evaluation_context;

static void evaluate(void *argument, uint32_t member, cs_team *team) {
  (void)team;
  evaluation_context *context = argument;
  const cs_chain *chain = context->chain;
  const cs_examples *examples = context->examples;
  const cs_chain_layer *layers = chain->layers;
  uint32_t widest = 0;
  for (uint32_t k = 0; k < chain->layer_count; ++k) widest = layers[k].output_count > widest ? layers[k].output_count : widest;
  float *const outputs[] = {context->scratch[member], context->scratch[member] + (size_t)widest * panel};
  float *const inputs = outputs[1] + (size_t)widest * panel;
  // A free member takes the next panel, so that a thread whose core is busy holds nobody up.
  for (uint32_t p; (p = atomic_fetch_add(&context->next, 1)) < panels_of(examples->count);) {
    cs_panels x = {inputs, 0, 1};
    if (context->panels) {
      x.values = (float *)context->panels[p];
    } else {
      gather(chain, examples, p, (cs_share){0, layers[0].structure ? layers[0].structure->column_count : layers[0].input_count}, inputs);
    }
    for (uint32_t k = 0; k < chain->layer_count; ++k) {
      const cs_panels y = {outputs[k % 2], 0, 1};
      forward(chain, k, x, y, all_rows(&layers[k]));
      x = y;
    }
    context->outcomes[p] = chain->kernels->cross_entropy(
      x.values, layers[chain->layer_count - 1].output_count, examples->labels + p * panel, in_panel(examples->count, p), 0, 1, NULL);
  }
}

cs_outcome cs_chain_evaluate(
    const cs_chain *chain, const cs_examples *examples, const float *const *panels, cs_outcome *outcomes, float *const *scratch) {
  evaluation_context context = {chain, examples, panels, outcomes, scratch, 0};
  const uint64_t mode = cs_denormals_flush();
  cs_team_run(chain->team, evaluate, &context);
  cs_denormals_restore(mode);
  return total(outcomes, panels_of(examples->count));
}
