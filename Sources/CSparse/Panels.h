// Panels: how examples get into them, and what their logits are worth.

typedef uint8_t bytes __attribute__((ext_vector_type(16)));
typedef uint8_t loose_bytes __attribute__((ext_vector_type(16), aligned(1)));

// The bytes first ..< first + 16 of an image; 0 beyond its end.
INLINE bytes bytes_of(const cs_images *images, int64_t position, size_t first) {
  const uint8_t *image = images->bytes + (size_t)position * images->size;
  if (first + 16 <= images->size) return *(const loose_bytes *)(image + first);
  bytes part = (bytes)0;
  for (size_t i = first; i < images->size; ++i) part[i - first] = image[i];
  return part;
}

// Turns a 16 × 16 block of bytes about its diagonal: four times, rows of the upper half are interleaved with those of the lower.
INLINE void turn_bytes(bytes *rows) {
  UNROLLED for (int round = 0; round < 4; ++round) {
    bytes next[16];
    UNROLLED for (int i = 0; i < 8; ++i) {
      next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    UNROLLED for (int i = 0; i < 16; ++i) rows[i] = next[i];
  }
}

// The values first ..< first + 16 of an example; 0 beyond its end.
INLINE lanes floats_of(const cs_images *images, int64_t position, size_t first) {
  const float *example = images->floats + (size_t)position * images->size;
  if (first + 16 <= images->size) return *(const loose_lanes *)(example + first);
  lanes part = (lanes)0;
  for (size_t i = first; i < images->size; ++i) part[i - first] = example[i];
  return part;
}

// Puts the elements of one input of 16 examples into a panel of `count` examples, as values.
INLINE void put_values(const cs_images *images, lanes element, size_t input, uint32_t start, uint32_t count, float *panel) {
  const integers place = (integers){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + (int32_t)start;
  const lanes scaled = element * images->scale[input] + images->offset[input];
  *(lanes *)(panel + input * CS_PANEL + start) = place < (integers)(int32_t)count ? scaled : (lanes)0;
}

static void CS_NAMED(gather_, FORM)(
    const cs_images *images, const int64_t *positions, uint32_t count, const uint16_t *groups, uint32_t group_count, float *panel) {
  for (uint32_t k = 0; k < group_count; ++k) {
    const size_t first = 16 * (size_t)groups[k];
    const size_t width = first + 16 <= images->size ? 16 : images->size - first;
    for (uint32_t start = 0; start < CS_PANEL; start += 16) {
      if (images->floats) {
        lanes block[16];
        for (uint32_t e = 0; e < 16; ++e) block[e] = start + e < count ? floats_of(images, positions[start + e], first) : (lanes)0;
        turn(block);
        for (size_t i = 0; i < width; ++i) put_values(images, block[i], first + i, start, count, panel);
        continue;
      }
      bytes block[16];
      for (uint32_t e = 0; e < 16; ++e) block[e] = start + e < count ? bytes_of(images, positions[start + e], first) : (bytes)0;
      turn_bytes(block);
      for (size_t i = 0; i < width; ++i) {
        const lanes byte = __builtin_convertvector(__builtin_convertvector(block[i], integers), lanes);
        put_values(images, byte, first + i, start, count, panel);
      }
    }
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
