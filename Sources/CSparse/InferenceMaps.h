// What stands between the layers of a pruned network (CSparseInference.h): pooling, elementwise functions, sums, copies. A member computes
// a share of the channels of all groups.

INLINE float held_one(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

// The channels of all groups, one after another.
INLINE float *channel_of(const cs_map *map, uint32_t k) {
  return map->values + k / map->channels * map->group + (size_t)(k % map->channels) * map->channel;
}

// --- Pooling -----------------------------------------------------------------------------------------------------------

INLINE lanes combined(int is_mean, lanes a, lanes b) { return is_mean ? a + b : larger(a, b); }
INLINE float combined_row(int is_mean, float value, const float *row, uint32_t from, uint32_t to) {
  for (uint32_t c = from; c < to; ++c) value = is_mean ? value + row[c] : row[c] > value || row[c] != row[c] ? row[c] : value;
  return value;
}

// Every other of 32 values.
INLINE lanes every_other(const float *p) {
  return __builtin_shufflevector(loose(p), loose(p + 16), 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
INLINE lanes some_of(const float *p, uint32_t count) {
  if (count >= 16) return loose(p);
  lanes values = (lanes)0;
  __builtin_memcpy(&values, p, count * sizeof *p);
  return values;
}
// The end of a row, in halves: a call that copies a few bytes takes longer than all of them.
INLINE void put_some(float *p, lanes values, uint32_t count) {
  if (count >= 16) {
    *(loose_lanes *)p = values;
    return;
  }
  half rest = values.lo;
  if (count & 8) *(loose_half *)p = rest, p += 8, rest = values.hi;
  quarter end = rest.lo;
  if (count & 4) *(loose_quarter *)p = end, p += 4, end = rest.hi;
  if (count & 2) p[0] = end[0], p[1] = end[1], p += 2, end = end.zwzw;
  if (count & 1) p[0] = end[0];
}

// The widest row of a lone example of which windows are first combined from above to below, 16 columns at once, and the widest window of
// columns that are then combined 16 at once; these reach at most four such windows beyond a row (PlanPool.alike), a fifth is slack.
enum { CS_POOL_WIDTH = 1024, CS_POOL_WINDOW = 16, CS_POOL_BEYOND = 5 * CS_POOL_WINDOW };

// A lone example's channel. Columns beyond its rows have values that change nothing.
INLINE void pool_rows(const int is_mean, const cs_pool_step *s, const float *x, float *y) {
  float memory[CS_POOL_WIDTH + 2 * CS_POOL_WINDOW + CS_POOL_BEYOND], *column = memory + CS_POOL_WINDOW;
  const float neutral = is_mean ? 0 : -__builtin_inff();
  const uint32_t step = s->column_step;
  *(loose_lanes *)memory = (lanes)neutral;
  for (uint32_t i = 0; i < s->y.height; ++i) {
    for (uint32_t c = 0; c < s->x.width; c += 16) {
      lanes value = (lanes)neutral;
      // Beyond a row's end lies what is in memory anyway, and is not looked at.
      for (uint32_t r = s->row_from[i]; r < s->row_to[i]; ++r) value = combined(is_mean, value, loose(x + r * s->x.row + c));
      *(loose_lanes *)(column + c) = value;
    }
    float *out = y + i * s->y.row;
    if (step == 0) {
      for (uint32_t j = 0; j < s->y.width; ++j) {
        const float value = combined_row(is_mean, neutral, column, s->column_from[j], s->column_to[j]);
        out[j] = held_one(is_mean ? value * (s->row_share[i] * s->column_share[j]) : value, s->low, s->high);
      }
      continue;
    }
    UNROLLED for (int v = 0; v < CS_POOL_BEYOND; v += 16) *(loose_lanes *)(column + s->x.width + v) = (lanes)neutral;
    for (uint32_t j = 0; j < s->y.width; j += 16) {
      const uint32_t count = s->y.width - j < 16 ? s->y.width - j : 16;
      const float *p = column + (ptrdiff_t)(step * j) + s->column_start;
      lanes value = (lanes)neutral;
      for (uint32_t k = 0; k < s->column_size; ++k) value = combined(is_mean, value, step == 2 ? every_other(p + k) : loose(p + k));
      if (is_mean) value *= some_of(s->column_share + j, count) * s->row_share[i];
      put_some(out + j, held(value, s->low, s->high), count);
    }
  }
}

static void CS_NAMED(pool_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_pool_step *s = step;
  const cs_share share = part_of(s->y.groups * s->y.channels, member, members);
  // A mean's rows are summed one by one, as single sums of millions of pixels would lose digits.
  const float neutral = s->is_mean ? 0 : -__builtin_inff();
  for (uint32_t k = share.from; k < share.to; ++k) {
    const float *x = channel_of(&s->x, k);
    float *y = channel_of(&s->y, k);
    if (s->y.lanes == 1 && s->x.width <= CS_POOL_WIDTH) {
      if (s->is_mean) {
        pool_rows(1, s, x, y);
      } else {
        pool_rows(0, s, x, y);
      }
      continue;
    }
    for (uint32_t i = 0; i < s->y.height; ++i) {
      for (uint32_t j = 0; j < s->y.width; ++j) {
        const float factor = s->row_share[i] * s->column_share[j];
        if (s->y.lanes == 16) {
          lanes value = (lanes)neutral;
          for (uint32_t r = s->row_from[i]; r < s->row_to[i]; ++r) {
            lanes row = (lanes)neutral;
            for (uint32_t c = s->column_from[j]; c < s->column_to[j]; ++c) {
              row = combined(s->is_mean, row, *(const lanes *)(x + r * s->x.row + c * 16));
            }
            value = combined(s->is_mean, value, row);
          }
          *(lanes *)(y + i * s->y.row + j * 16) = held(s->is_mean ? value * factor : value, s->low, s->high);
          continue;
        }
        float value = neutral;
        for (uint32_t r = s->row_from[i]; r < s->row_to[i]; ++r) {
          const float row = combined_row(s->is_mean, neutral, x + r * s->x.row, s->column_from[j], s->column_to[j]);
          value = combined_row(s->is_mean, value, &row, 0, 1);
        }
        y[i * s->y.row + j] = held_one(s->is_mean ? value * factor : value, s->low, s->high);
      }
    }
  }
}

// --- Elementwise functions ---------------------------------------------------------------------------------------------

INLINE lanes magnitude(lanes x) { return x < (lanes)0 ? -x : x; }
INLINE lanes sigmoid(lanes x) {
  const lanes e = exponential(-magnitude(x)), share = (lanes)1 / ((lanes)1 + e);
  return x < (lanes)0 ? e * share : share;
}
INLINE lanes hyperbolic_tangent(lanes x) {
  const lanes e = exponential((lanes)-2 * magnitude(x)), value = ((lanes)1 - e) / ((lanes)1 + e);
  // Near 0 the difference cancels; x − x³/3 is exact there.
  const lanes small = x - x * x * x * 0.333333333f;
  return magnitude(x) < (lanes)0.01f ? small : x < (lanes)0 ? -value : value;
}
// The error function to 1.5e-7 (Abramowitz & Stegun 7.1.26).
INLINE lanes error_function(lanes x) {
  const lanes m = magnitude(x), t = (lanes)1 / ((lanes)1 + m * 0.3275911f);
  const lanes p = ((((t * 1.061405429f - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
  const lanes value = (lanes)1 - p * exponential(-m * m);
  return x < (lanes)0 ? -value : value;
}

static lanes CS_NAMED(by_element_, FORM)(lanes x, int32_t function) {
  for (int i = 0; i < 16; ++i) {
    const float soft = (x[i] > 0 ? x[i] : 0) + __builtin_log1pf(__builtin_expf(x[i] < 0 ? x[i] : -x[i]));
    x[i] = function == CS_SOFTPLUS ? soft : x[i] * __builtin_tanhf(soft);
  }
  return x;
}

INLINE lanes function_of(int32_t function, lanes x, float alpha, float slope) {
  switch (function) {
    case CS_SIGMOID: return sigmoid(x);
    case CS_TANH: return hyperbolic_tangent(x);
    case CS_SILU: return x * sigmoid(x);
    case CS_GELU: return x * ((lanes)0.5f + error_function(x * 0.70710678f) * 0.5f);
    case CS_GELU_TANH: return x * ((lanes)0.5f + hyperbolic_tangent((x + x * x * x * 0.044715f) * 0.79788456f) * 0.5f);
    case CS_ELU: return x > (lanes)0 ? x : (exponential(x > (lanes)0 ? (lanes)0 : x) - 1.0f) * alpha;
    case CS_HARD_SIGMOID: return held(x * alpha + 0.5f, 0, 1);
    case CS_HARD_SWISH: return x * held(x * (1 / 6.0f) + 0.5f, 0, 1);
    case CS_SOFTPLUS:
    case CS_MISH: return CS_NAMED(by_element_, FORM)(x, function);
    case CS_ABSOLUTE: return magnitude(x);
    case CS_SLOPE: return x < (lanes)0 ? x * slope : x;
    default: return x;
  }
}

static void CS_NAMED(map_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_map_step *s = step;
  const cs_share share = part_of(s->y.groups * s->y.channels, member, members);
  const uint32_t run = s->y.width * s->y.lanes;
  for (uint32_t k = share.from; k < share.to; ++k) {
    const uint32_t c = k % s->y.channels;
    const float scale = s->scale ? s->scale[c] : 1, shift = s->shift ? s->shift[c] : 0, slope = s->slope ? s->slope[c] : s->alpha;
    for (uint32_t i = 0; i < s->y.height; ++i) {
      const float *x = channel_of(&s->x, k) + i * s->x.row;
      float *y = channel_of(&s->y, k) + i * s->y.row;
      for (uint32_t e = 0; e < run; e += 16) {
        const uint32_t count = run - e < 16 ? run - e : 16;
        lanes v = (lanes)0;
        __builtin_memcpy(&v, x + e, count == 16 ? sizeof v : count * sizeof *x);
        v = held(function_of(s->function, v * scale + shift, s->alpha, slope), s->low, s->high);
        __builtin_memcpy(y + e, &v, count == 16 ? sizeof v : count * sizeof *y);
      }
    }
  }
}

static void CS_NAMED(pair_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_pair_step *s = step;
  const cs_share share = part_of(s->y.groups * s->y.channels, member, members);
  const uint32_t run = s->y.width * s->y.lanes;
  const int is_one = s->b.width * s->b.height == 1 && s->y.width * s->y.height != 1;
  for (uint32_t k = share.from; k < share.to; ++k) {
    for (uint32_t i = 0; i < s->y.height; ++i) {
      const float *a = channel_of(&s->a, k) + i * s->a.row, *b = channel_of(&s->b, k) + (is_one ? 0 : i * s->b.row);
      float *y = channel_of(&s->y, k) + i * s->y.row;
      for (uint32_t e = 0; e < run; e += 16) {
        const uint32_t count = run - e < 16 ? run - e : 16;
        lanes p = (lanes)0, q = (lanes)0;
        __builtin_memcpy(&p, a + e, count * sizeof *a);
        if (!is_one) {
          __builtin_memcpy(&q, b + e, count * sizeof *b);
        } else {
          q = s->b.lanes == 16 ? *(const lanes *)b : (lanes)*b;
        }
        p = held(s->operation == CS_ADD ? p + q : s->operation == CS_SUBTRACT ? p - q : p * q, s->low, s->high);
        __builtin_memcpy(y + e, &p, count * sizeof *y);
      }
    }
  }
}

// --- Copies ------------------------------------------------------------------------------------------------------------

// How many of 0, step, 2·step, … are less than `end`, at most `most`.
INLINE int32_t pixels_before(int32_t end, int32_t step, int32_t most) {
  const int32_t count = end <= 0 ? 0 : (end - 1) / step + 1;
  return count < most ? count : most;
}

// A row of a lone example, of which the pixels first ..< last come from the source, the others are 0.
INLINE void copy_row(const int step, float *out, const float *row, int32_t right, int32_t first, int32_t last, int32_t width) {
  for (int32_t j = 0; j < first; ++j) out[j] = 0;
  for (int32_t j = first; j < last; j += 16) {
    const float *p = row + j * step + right;
    put_some(out + j, step == 2 ? every_other(p) : loose(p), (uint32_t)(last - j));
  }
  for (int32_t j = last; j < width; ++j) out[j] = 0;
}

static void CS_NAMED(copy_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_copy_step *s = step;
  const uint32_t n = s->y.lanes;
  const cs_share share = part_of(s->y.groups * s->y.channels, member, members);
  const int32_t width = (int32_t)s->y.width;
  for (uint32_t k = share.from; k < share.to; ++k) {
    const cs_source *from = &s->sources[k % s->y.channels];
    float *y = channel_of(&s->y, k);
    const float *x = from->x ? from->x + k / s->y.channels * from->group : NULL;
    const int32_t apart = from->right_step, right = from->right;
    const int32_t first = pixels_before(-right, apart, width), end = pixels_before(from->width - right, apart, width);
    for (int32_t i = 0; i < (int32_t)s->y.height; ++i) {
      const int32_t r = i * from->down_step + from->down;
      float *out = y + i * s->y.row;
      const int is_inside = x && r >= 0 && r < from->height;
      const float *row = is_inside ? x + r * from->row : NULL;
      const int32_t last = is_inside ? end : first;
      if (n == 16) {
        for (int32_t j = 0; j < width; ++j) {
          *(lanes *)(out + j * 16) = j >= first && j < last ? *(const lanes *)(row + (j * apart + right) * 16) : (lanes)0;
        }
      } else if (apart == 1) {
        copy_row(1, out, row, right, first, last, width);
      } else if (apart == 2) {
        copy_row(2, out, row, right, first, last, width);
      } else {
        for (int32_t j = 0; j < width; ++j) out[j] = j >= first && j < last ? row[j * apart + right] : 0;
      }
    }
  }
}

INLINE uint32_t present_of(uint32_t count, uint32_t first, uint32_t lanes) {
  return count <= first ? 0 : count - first < lanes ? count - first : lanes;
}

// `width` values of each of 16 examples, 0 for those that are not there, turned so that a value's 16 examples lie side by side.
INLINE void examples_turned(const float *in, size_t example, uint32_t present, uint32_t width, lanes *block) {
  for (uint32_t e = 0; e < 16; ++e) {
    block[e] = (lanes)0;
    if (e < present) __builtin_memcpy(&block[e], in + e * example, width * sizeof *in);
  }
  turn(block);
}

// A vector's features lie side by side in an example, as a channel's pixels do.
INLINE void pack_vector(const cs_pack_step *s, uint32_t member, uint32_t members) {
  const cs_map *y = &s->y;
  const uint32_t blocks = (y->channels + 15) / 16;
  const cs_share share = part_of(y->groups * blocks, member, members);
  for (uint32_t k = share.from; k < share.to; ++k) {
    const uint32_t group = k / blocks, first = k % blocks * 16, width = y->channels - first < 16 ? y->channels - first : 16;
    lanes block[16];
    examples_turned(
        *s->source + (size_t)group * 16 * y->channels + first, y->channels, present_of(*s->count, group * 16, 16), width, block);
    float *out = y->values + group * y->group + first * y->channel;
    for (uint32_t i = 0; i < width; ++i) *(lanes *)(out + i * y->channel) = block[i];
  }
}

// Pixel p of a channel lies in row p / width.
static void CS_NAMED(pack_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_pack_step *s = step;
  const cs_map *y = &s->y;
  const uint32_t pixels = y->height * y->width, count = *s->count;
  const size_t example = (size_t)y->channels * pixels;
  if (y->lanes == 16 && pixels == 1) return pack_vector(s, member, members);
  const cs_share share = part_of(y->groups * y->channels, member, members);
  for (uint32_t k = share.from; k < share.to; ++k) {
    const uint32_t group = k / y->channels;
    float *out = channel_of(y, k);
    const float *in = *s->source + (size_t)group * y->lanes * example + (size_t)(k % y->channels) * pixels;
    if (y->lanes == 1) {
      for (uint32_t i = 0; i < y->height; ++i) __builtin_memcpy(out + i * y->row, in + i * y->width, y->width * sizeof *in);
      continue;
    }
    for (uint32_t p = 0; p < pixels; p += 16) {
      const uint32_t width = pixels - p < 16 ? pixels - p : 16;
      lanes block[16];
      examples_turned(in + p, example, present_of(count, group * 16, 16), width, block);
      for (uint32_t i = 0; i < width; ++i) *(lanes *)(out + (p + i) / y->width * y->row + (p + i) % y->width * 16) = block[i];
    }
  }
}

static void CS_NAMED(unpack_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_unpack_step *s = step;
  const cs_map *x = &s->x;
  const uint32_t pixels = x->height * x->width, count = *s->count;
  const size_t example = (size_t)x->channels * pixels;
  const cs_share share = part_of(x->groups * x->channels, member, members);
  for (uint32_t k = share.from; k < share.to; ++k) {
    const uint32_t group = k / x->channels;
    const float *in = channel_of(x, k);
    float *out = *s->target + (size_t)group * x->lanes * example + (size_t)(k % x->channels) * pixels;
    const uint32_t present = present_of(count, group * x->lanes, x->lanes);
    for (uint32_t p = 0; p < pixels; ++p) {
      const float *pixel = in + p / x->width * x->row + (size_t)(p % x->width) * x->lanes;
      for (uint32_t e = 0; e < present; ++e) out[e * example + p] = pixel[e];
    }
  }
}
