// The kernels' one body. A form includes it after setting FORM (its name as an identifier) and the instruction set by
// `#pragma clang attribute`; the compiler splits the 16 lanes as its registers need it.
#include "include/CSparse.h"

typedef float lanes __attribute__((ext_vector_type(16)));
typedef int32_t integers __attribute__((ext_vector_type(16)));

#define INLINE static inline __attribute__((always_inline))
#define CS_JOIN(A, B) A##B
#define CS_NAMED(A, B) CS_JOIN(A, B)

// The four vectors of one feature of a panel.
typedef struct {
  lanes a, b, c, d;
} feature;

INLINE const lanes *at(const float *panel, size_t row) { return (const lanes *)(panel + row * CS_PANEL); }

INLINE feature load(const float *panel, size_t row) {
  const lanes *p = at(panel, row);
  return (feature){p[0], p[1], p[2], p[3]};
}

INLINE void store(float *panel, size_t row, feature x) {
  lanes *p = (lanes *)(panel + row * CS_PANEL);
  p[0] = x.a, p[1] = x.b, p[2] = x.c, p[3] = x.d;
}

INLINE feature splat(float x) { return (feature){(lanes)x, (lanes)x, (lanes)x, (lanes)x}; }

// NaN stays NaN, so that a broken step shows in the loss.
INLINE lanes positive(lanes x) { return x < (lanes)0 ? (lanes)0 : x; }
INLINE lanes where_positive(lanes x, lanes activation) { return activation > (lanes)0 ? x : (lanes)0; }

#pragma clang fp contract(fast)

INLINE feature accumulated(feature sum, float weight, const lanes *x) {
  const lanes w = (lanes)weight;
  sum.a += w * x[0], sum.b += w * x[1], sum.c += w * x[2], sum.d += w * x[3];
  return sum;
}

INLINE lanes products(feature y, const lanes *x) {
  lanes sum = y.a * x[0];
  sum += y.b * x[1];
  sum += y.c * x[2];
  sum += y.d * x[3];
  return sum;
}

// Sums of 16 lanes, several at once: each fold adds lanes 8, 4, 2 and 1 apart, so that every grouping gives the same bits.
INLINE lanes fold8(lanes a, lanes b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
         __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}
INLINE lanes fold4(lanes a, lanes b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
         __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
}
INLINE lanes fold2(lanes a, lanes b) {
  return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
         __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}
INLINE lanes fold1(lanes a, lanes b) {
  return __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
         __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
}

INLINE float total(lanes x) {
  const lanes eight = fold8(x, x), four = fold4(eight, eight), two = fold2(four, four);
  return fold1(two, two)[0];
}

static void CS_NAMED(forward_, FORM)(
    const cs_structure *layer, const float *values, const float *bias, const float *x, float *y, int32_t relu) {
  for (uint32_t block = 0; block < layer->block_count; ++block) {
    const uint32_t *starts = layer->starts + (size_t)block * layer->row_count;
    const int first = block == 0, last = block + 1 == layer->block_count;
    for (uint32_t k = 0; k < layer->row_count; ++k) {
      const uint32_t begin = starts[k], end = starts[k + 1];
      if (begin == end && !first && !last) continue;
      const size_t row = layer->rows[k];
      feature sum = first ? splat(bias ? bias[row] : 0) : load(y, row);
      for (uint32_t i = begin; i < end; ++i) sum = accumulated(sum, values[i], at(x, layer->column[i]));
      if (last && relu) sum = (feature){positive(sum.a), positive(sum.b), positive(sum.c), positive(sum.d)};
      store(y, row, sum);
    }
  }
}

static void CS_NAMED(weight_gradient_, FORM)(
    const cs_structure *layer, const float *dy, const float *x, float *gradient, int32_t accumulate) {
  const uint16_t *column = layer->column;
  for (uint32_t block = 0; block < layer->block_count; ++block) {
    const uint32_t *starts = layer->starts + (size_t)block * layer->row_count;
    for (uint32_t k = 0; k < layer->row_count; ++k) {
      uint32_t i = starts[k];
      const uint32_t end = starts[k + 1];
      if (i == end) continue;
      const feature d = load(dy, layer->rows[k]);
#define AT(J) products(d, at(x, column[i + (J)]))
      for (; i + 16 <= end; i += 16) {
        const lanes even = fold2(
            fold4(fold8(AT(0), AT(8)), fold8(AT(4), AT(12))), fold4(fold8(AT(2), AT(10)), fold8(AT(6), AT(14))));
        const lanes odd = fold2(
            fold4(fold8(AT(1), AT(9)), fold8(AT(5), AT(13))), fold4(fold8(AT(3), AT(11)), fold8(AT(7), AT(15))));
        lanes sums = fold1(even, odd), before = (lanes)0;
        if (accumulate) __builtin_memcpy(&before, gradient + i, sizeof before);
        sums += before;
        __builtin_memcpy(gradient + i, &sums, sizeof sums);
      }
      for (; i + 4 <= end; i += 4) {
        const lanes four = fold4(fold8(AT(0), AT(2)), fold8(AT(1), AT(3))), two = fold2(four, four), one = fold1(two, two);
        for (int j = 0; j < 4; ++j) gradient[i + j] = (accumulate ? gradient[i + j] : 0) + one[4 * j];
      }
      for (; i < end; ++i) gradient[i] = (accumulate ? gradient[i] : 0) + total(AT(0));
#undef AT
    }
  }
}

static void CS_NAMED(bias_gradient_, FORM)(
    const uint16_t *rows, uint32_t count, const float *dy, float *gradient, int32_t accumulate) {
  for (uint32_t k = 0; k < count; ++k) {
    const size_t row = rows[k];
    const feature d = load(dy, row);
    gradient[row] = (accumulate ? gradient[row] : 0) + total((d.a + d.b) + (d.c + d.d));
  }
}

static void CS_NAMED(input_gradient_, FORM)(
    const cs_structure *layer, const float *values, const float *dy, const float *activation, float *dx) {
  for (uint32_t k = 0; k < layer->column_count; ++k) {
    const size_t column = layer->columns[k];
    feature sum = splat(0);
    for (uint32_t i = layer->column_starts[k]; i < layer->column_starts[k + 1]; ++i) {
      sum = accumulated(sum, values[layer->entry[i]], at(dy, layer->row[i]));
    }
    if (activation) {
      const feature h = load(activation, column);
      sum = (feature){where_positive(sum.a, h.a), where_positive(sum.b, h.b), where_positive(sum.c, h.c), where_positive(sum.d, h.d)};
    }
    store(dx, column, sum);
  }
}

// eˣ for x ≤ 0, to two units in the last place: 2ⁿ·eʳ with |r| ≤ ln2/2 and a polynomial of degree 6 for eʳ.
INLINE lanes exponential(lanes x) {
  x = x < (lanes)-87.0f ? (lanes)-87.0f : x;
  // Adding and taking 1.5·2²³ leaves the nearest whole number.
  const lanes shifted = x * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
  lanes r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  lanes p = (lanes)1.3981999507e-3f + r * 1.9875691500e-4f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const integers power = (__builtin_convertvector(n, integers) + 127) << 23;
  lanes scale;
  __builtin_memcpy(&scale, &power, sizeof scale);
  return p * scale;
}

static cs_outcome CS_NAMED(cross_entropy_, FORM)(
    const float *logits, uint32_t classes, const int64_t *labels, uint32_t count, double smoothing, double scale, float *gradient) {
  cs_outcome outcome = {0, 0};
  const float hit = 1 - smoothing, everywhere = smoothing / classes;
  for (uint32_t start = 0; start < CS_PANEL; start += 16) {
    integers label = (integers)-1;
    for (uint32_t j = 0; j < 16 && start + j < count; ++j) label[j] = (int32_t)labels[start + j];
    if (start >= count) {
      if (gradient)
        for (uint32_t c = 0; c < classes; ++c) *(lanes *)(gradient + (size_t)c * CS_PANEL + start) = (lanes)0;
      continue;
    }
    lanes largest = *(const lanes *)(logits + start), own = (lanes)0, sum = (lanes)0, all = (lanes)0;
    integers best = (integers)0;
    for (uint32_t c = 0; c < classes; ++c) {
      const lanes z = *(const lanes *)(logits + (size_t)c * CS_PANEL + start);
      const integers above = z > largest;
      best = above ? (integers)(int32_t)c : best;
      largest = above ? z : largest;
      own = label == (integers)(int32_t)c ? z : own;
      all += z;
    }
    for (uint32_t c = 0; c < classes; ++c) {
      const lanes e = exponential(*(const lanes *)(logits + (size_t)c * CS_PANEL + start) - largest);
      sum += e;
      if (gradient) *(lanes *)(gradient + (size_t)c * CS_PANEL + start) = e;
    }
    for (uint32_t j = 0; j < 16 && start + j < count; ++j) {
      const double target = (1 - smoothing) * own[j] + smoothing / classes * all[j];
      outcome.loss += __builtin_log((double)sum[j]) + ((double)largest[j] - target);
      outcome.correct += best[j] == label[j];
    }
    if (!gradient) continue;
    const lanes share = (lanes)1 / sum, factor = label < (integers)0 ? (lanes)0 : (lanes)(float)scale;
    for (uint32_t c = 0; c < classes; ++c) {
      lanes *g = (lanes *)(gradient + (size_t)c * CS_PANEL + start);
      const lanes target = (label == (integers)(int32_t)c ? (lanes)hit : (lanes)0) + everywhere;
      *g = (*g * share - target) * factor;
    }
  }
  return outcome;
}

// From here on no fused multiply-adds, so that the steps round as the dense optimizers' do.
#pragma clang fp contract(off)

static void CS_NAMED(sgd_, FORM)(
    float *restrict w, const float *restrict g, float *restrict m, size_t count, const cs_sgd_options *options) {
  const float rate = options->learning_rate, momentum = options->momentum, decay = options->weight_decay;
  const float direct = options->nesterov ? 1 : 0, moving = options->nesterov ? momentum : 1;
  for (size_t i = 0; i < count; ++i) {
    const float gradient = g[i] + decay * w[i];
    m[i] = momentum * m[i] + gradient;
    w[i] -= rate * (direct * gradient + moving * m[i]);
  }
}

static void CS_NAMED(adam_, FORM)(
    float *restrict w, const float *restrict g, float *restrict m, float *restrict v, size_t count, const cs_adam_options *options) {
  const double correction1 = 1 - __builtin_pow(options->beta1, options->step);
  const double correction2 = 1 - __builtin_pow(options->beta2, options->step);
  const float b1 = options->beta1, b2 = options->beta2, c1 = 1 - options->beta1, c2 = 1 - options->beta2, epsilon = options->epsilon;
  const float size = options->learning_rate / correction1, root = 1 / __builtin_sqrt(correction2);
  const float shrink = options->decoupled ? 1 - options->learning_rate * options->weight_decay : 1;
  const float decay = options->decoupled ? 0 : options->weight_decay;
  for (size_t i = 0; i < count; ++i) {
    const float weight = w[i] * shrink, gradient = g[i] + decay * weight;
    m[i] = b1 * m[i] + c1 * gradient;
    v[i] = b2 * v[i] + c2 * gradient * gradient;
    w[i] = weight - size * m[i] / (__builtin_sqrtf(v[i]) * root + epsilon);
  }
}

static void CS_NAMED(gather_, FORM)(
    const uint8_t *images, size_t size, const int64_t *positions, uint32_t count, const uint16_t *inputs, uint32_t input_count, size_t area,
    const float *table, float *panel) {
  const uint8_t *image[CS_PANEL];
  for (uint32_t e = 0; e < count; ++e) image[e] = images + (size_t)positions[e] * size;
  for (uint32_t k = 0; k < input_count; ++k) {
    const size_t input = inputs[k];
    const float *values = table + input / area * 256;
    float *out = panel + input * CS_PANEL;
    uint32_t e = 0;
    for (; e < count; ++e) out[e] = values[image[e][input]];
    for (; e < CS_PANEL; ++e) out[e] = 0;
  }
}

#define CS_TEXT(X) CS_QUOTED(X)
#define CS_QUOTED(X) #X

const cs_kernels CS_NAMED(cs_kernels_, FORM) = {
  .name = CS_TEXT(FORM),
  .forward = CS_NAMED(forward_, FORM),
  .weight_gradient = CS_NAMED(weight_gradient_, FORM),
  .bias_gradient = CS_NAMED(bias_gradient_, FORM),
  .input_gradient = CS_NAMED(input_gradient_, FORM),
  .cross_entropy = CS_NAMED(cross_entropy_, FORM),
  .sgd = CS_NAMED(sgd_, FORM),
  .adam = CS_NAMED(adam_, FORM),
  .gather = CS_NAMED(gather_, FORM),
};
