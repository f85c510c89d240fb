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

// The inputs of layer `index`, as this member of the team has them.
static cs_panels inputs(const cs_chain *chain, uint32_t index, uint32_t member, uint32_t count) {
  float *const values = index == 0 ? chain->inputs[member] : chain->outputs[index - 1];
  return (cs_panels){values, (size_t)chain->layers[index].input_count * panel, count};
}

static cs_panels outputs(const cs_chain *chain, uint32_t index, uint32_t count) {
  return (cs_panels){chain->outputs[index], (size_t)chain->layers[index].output_count * panel, count};
}

static cs_panels deltas(const cs_chain *chain, uint32_t layer, uint32_t count) {
  return (cs_panels){chain->deltas[layer], (size_t)chain->layers[layer].output_count * panel, count};
}

// The parameters from `index` on. Only sparse layers, which come first, store their gradients.
static cs_parameters at_index(cs_parameters p, size_t index, int is_sparse) {
  return (cs_parameters){p.weights + index, is_sparse ? p.gradient + index : p.gradient, p.first + index, p.second + index};
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

static void gather(const cs_chain *chain, const cs_examples *examples, uint32_t index, float *out) {
  chain->kernels->gather(
    &examples->images, examples->positions + index * panel, in_panel(examples->count, index), chain->groups, chain->group_count, out);
}

// Begins to fetch the elements of `count` examples, which lie anywhere in memory.
static void expect(const cs_chain *chain, const cs_images *images, const int64_t *positions, uint32_t count) {
  if (chain->group_count == 0) return;
  const size_t from = 16 * (size_t)chain->groups[0], to = 16 * (size_t)chain->groups[chain->group_count - 1] + 16;
  const size_t element = images->floats ? sizeof(float) : 1, end = (to < images->size ? to : images->size) * element;
  const uint8_t *elements = images->floats ? (const uint8_t *)images->floats : images->bytes;
  for (uint32_t e = 0; e < count; ++e) {
    const uint8_t *example = elements + (size_t)positions[e] * images->size * element;
    for (size_t i = from * element; i < end; i += 64) __builtin_prefetch(example + i);
  }
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
  const uint32_t panels = panels_of(examples->count);
  // Each gathers all inputs for itself: to read what another core has just written costs more.
  for (uint32_t p = 0; p < panels; ++p) {
    gather(chain, examples, p, chain->inputs[member] + (size_t)p * chain->layers[0].input_count * panel);
  }
  if (chain->layers[0].factors) {
    chain->kernels->scale(
      inputs(chain, 0, member, panels), chain->layers[0].factors, (cs_share){0, chain->layers[0].input_count});
  }
  const uint32_t following = examples->following < examples->count ? examples->following : examples->count;
  expect(chain, &examples->images, examples->positions + examples->count, following);
  for (uint32_t k = 0; k < chain->layer_count; ++k) {
    FOR_SHARES(chain, member, team) {
      const cs_share rows = chain->layers[k].rows[share];
      const cs_panels y = outputs(chain, k, panels);
      forward(chain, k, inputs(chain, k, member, panels), y, rows);
      if (k + 1 < chain->layer_count && chain->layers[k + 1].factors) chain->kernels->scale(y, chain->layers[k + 1].factors, rows);
    }
    cs_team_wait(team);
  }
  const cs_panels logits = outputs(chain, chain->layer_count - 1, panels), delta = deltas(chain, chain->layer_count - 1, panels);
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

static void take_step(void *argument, uint32_t member, cs_team *team) {
  const step_context *context = argument;
  const cs_chain *chain = context->chain;
  const cs_kernels *kernels = chain->kernels;
  const uint32_t panels = panels_of(context->count);
  for (uint32_t k = chain->layer_count - 1; k > 0; --k) {
    const cs_chain_layer *layer = &chain->layers[k];
    const float *values = chain->parameters.weights + layer->values, *shown = chain->outputs[k - 1];
    const cs_panels dy = deltas(chain, k, panels), dx = deltas(chain, k - 1, panels);
    FOR_SHARES(chain, member, team) {
      const cs_share columns = layer->columns[share];
      if (layer->structure) {
        kernels->input_gradient(layer->structure, values, dy, shown, dx, columns);
      } else {
        kernels->dense_input_gradient(&layer->matrix, values, dy, shown, dx, columns);
      }
      if (layer->factors) kernels->scale(dx, layer->factors, columns);
    }
    cs_team_wait(team);
  }
  // Nobody reads a weight any more, and nobody writes another member's.
  for (uint32_t k = 0; k < chain->layer_count; ++k) {
    const cs_chain_layer *layer = &chain->layers[k];
    const cs_parameters own = at_index(chain->parameters, layer->values, layer->structure != NULL);
    const cs_panels dy = deltas(chain, k, panels), x = inputs(chain, k, member, panels);
    FOR_SHARES(chain, member, team) {
      if (layer->structure) {
        kernels->update(layer->structure, dy, x, layer->rows[share], context->step, own);
      } else {
        kernels->dense_update(
          &layer->matrix, dy, x, context->count, layer->rows[share], context->step, own, chain->scratch[member], layer->reach);
      }
      if (!layer->has_bias) continue;
      const cs_share biases = part(layer->bias_count, share, chain->share_count);
      kernels->bias_update(layer->bias_rows, biases, dy, context->step, at_index(chain->parameters, layer->bias, 0));
    }
  }
}

void cs_chain_step(const cs_chain *chain, uint32_t count, const cs_step *step) {
  step_context context = {chain, count, step};
  const uint64_t mode = cs_denormals_flush();
  cs_team_run(chain->team, take_step, &context);
  cs_denormals_restore(mode);
}

void cs_chain_factor_gradient(const cs_chain *chain, uint32_t index, float *gradient) {
  const cs_chain_layer *layer = &chain->layers[index];
  const size_t stride = layer->matrix.stride;
  for (uint32_t i = 0; i < layer->input_count; ++i) gradient[i] = 0;
  for (uint32_t row = 0; row < layer->matrix.row_count; row += CS_REACH) {
    const float *reached = layer->reach + row / CS_REACH * stride;
    for (uint32_t i = 0; i < layer->input_count; ++i) gradient[i] += reached[i];
  }
  // The weights' gradients hold the factor already.
  for (uint32_t i = 0; i < layer->input_count; ++i) gradient[i] = layer->factors[i] != 0 ? gradient[i] / layer->factors[i] : 0;
}

typedef struct {
  const cs_chain *chain;
  const cs_examples *examples;
  const float *const *panels;
  cs_outcome *outcomes;
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
  float *const outputs[] = {chain->scratch[member], chain->scratch[member] + (size_t)widest * panel};
  // A free member takes the next panel, so that a thread whose core is busy holds nobody up.
  for (uint32_t p; (p = atomic_fetch_add(&context->next, 1)) < panels_of(examples->count);) {
    cs_panels x = {chain->inputs[member], 0, 1};
    if (context->panels) {
      x.values = (float *)context->panels[p];
    } else {
      gather(chain, examples, p, chain->inputs[member]);
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
    const cs_chain *chain, const cs_examples *examples, const float *const *panels, cs_outcome *outcomes) {
  evaluation_context context = {chain, examples, panels, outcomes, 0};
  const uint64_t mode = cs_denormals_flush();
  cs_team_run(chain->team, evaluate, &context);
  cs_denormals_restore(mode);
  return total(outcomes, panels_of(examples->count));
}
