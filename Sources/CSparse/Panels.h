// Panels: how examples get into them, and what their logits are worth.

static void CS_NAMED(gather_, FORM)(
    const cs_images *images, const int64_t *positions, uint32_t count, const uint16_t *inputs, cs_share share, float *panel) {
  const uint8_t *image[CS_PANEL];
  for (uint32_t e = 0; e < count; ++e) image[e] = images->bytes + (size_t)positions[e] * images->size;
  for (uint32_t k = share.from; k < share.to; ++k) {
    const size_t input = inputs ? inputs[k] : k;
    const float *values = images->table + input / images->area * 256;
    float *out = panel + input * CS_PANEL;
    uint32_t e = 0;
    for (; e < count; ++e) out[e] = values[image[e][input]];
    for (; e < CS_PANEL; ++e) out[e] = 0;
  }
}

// Returns the 16 × 16 block whose row i is column i of `rows`.
#define CS_HALVES(A, B, N) \
  do { \
    const lanes one = A, other = B; \
    A = CS_LOW_##N(one, other), B = CS_HIGH_##N(one, other); \
  } while (0)
#define CS_LOW_8(A, B) __builtin_shufflevector(A, B, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define CS_HIGH_8(A, B) __builtin_shufflevector(A, B, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
#define CS_LOW_4(A, B) __builtin_shufflevector(A, B, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#define CS_HIGH_4(A, B) __builtin_shufflevector(A, B, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
#define CS_LOW_2(A, B) __builtin_shufflevector(A, B, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define CS_HIGH_2(A, B) __builtin_shufflevector(A, B, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define CS_LOW_1(A, B) __builtin_shufflevector(A, B, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
#define CS_HIGH_1(A, B) __builtin_shufflevector(A, B, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)

INLINE void turn(lanes *rows) {
  UNROLLED for (int i = 0; i < 8; ++i) CS_HALVES(rows[i], rows[i + 8], 8);
  UNROLLED for (int i = 0; i < 16; ++i) if (!(i & 4)) CS_HALVES(rows[i], rows[i + 4], 4);
  UNROLLED for (int i = 0; i < 16; ++i) if (!(i & 2)) CS_HALVES(rows[i], rows[i + 2], 2);
  UNROLLED for (int i = 0; i < 16; ++i) if (!(i & 1)) CS_HALVES(rows[i], rows[i + 1], 1);
}

static void CS_NAMED(transpose_, FORM)(
    const float *from, size_t from_stride, uint32_t rows, float *to, size_t to_stride, uint32_t columns) {
  for (uint32_t row = 0; row < rows; row += 16) {
    for (uint32_t column = 0; column < columns; column += 16) {
      lanes block[16];
      const uint32_t height = block_of(rows - row, 16), width = block_of(columns - column, 16);
      for (uint32_t i = 0; i < 16; ++i) block[i] = i < height ? *(const lanes *)(from + (row + i) * from_stride + column) : (lanes)0;
      turn(block);
      for (uint32_t i = 0; i < width; ++i) *(lanes *)(to + (column + i) * to_stride + row) = block[i];
    }
  }
}

// Images lie anywhere in memory: each is fetched while these many others are converted.
enum { CS_AHEAD = 4 };

static void CS_NAMED(gather_rows_, FORM)(
    const cs_images *images, const int64_t *positions, uint32_t count, cs_share inputs, float *rows, size_t stride, float *panel) {
  for (uint32_t e = 0; e < count; ++e) {
    const uint8_t *image = images->bytes + (size_t)positions[e] * images->size;
    if (e + CS_AHEAD < count) {
      const uint8_t *next = images->bytes + (size_t)positions[e + CS_AHEAD] * images->size;
      for (size_t input = inputs.from; input < inputs.to; input += 64) __builtin_prefetch(next + input);
    }
    float *out = rows + e * stride;
    for (size_t input = inputs.from; input < inputs.to;) {
      const size_t channel = input / images->area, border = (channel + 1) * images->area;
      const size_t end = border < inputs.to ? border : inputs.to;
      const float *values = images->table + channel * 256;
      for (; input < end; ++input) out[input] = values[image[input]];
    }
  }
  const uint32_t width = inputs.to - inputs.from;
  float *out = panel + (size_t)inputs.from * CS_PANEL;
  uint32_t e = 0;
  for (; e < count; e += 16) {
    CS_NAMED(transpose_, FORM)(rows + e * stride + inputs.from, stride, block_of(count - e, 16), out + e, CS_PANEL, width);
  }
  for (; e < CS_PANEL; e += 16) {
    for (uint32_t k = 0; k < width; ++k) *(lanes *)(out + (size_t)k * CS_PANEL + e) = (lanes)0;
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
