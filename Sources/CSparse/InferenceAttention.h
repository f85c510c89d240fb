// Attention of pruned networks (CSparseInference.h): softmax(scale·q·kᵀ + bias)·v of one head in one window at a time.
//
// A vector of 16 values is a query of 16 examples, or 16 queries of a lone example: either way what belongs to a key is one number for each
// lane, so that maxima and sums over the keys need no step across lanes. Keys and values are one value for each lane or one for all.

enum {
  // Keys, or channels of values, that stay in the first-level cache meanwhile.
  CS_ATTENTION_BLOCK = 16,
  // Vectors of a tile, and what each is multiplied by before it is stored.
  CS_ATTENTION_ROWS = DENSE_VECTORS >= 3 ? 3 : 1,
  CS_ATTENTION_COLUMNS = DENSE_ROWS(CS_ATTENTION_ROWS)
};

// out[n][r] = Σ_t a[t][r]·b[t·term + n·next] for `columns` n.
INLINE void attention_tile(
    const int width, const int rows, const int columns, const float *a, uint32_t terms, const float *b, size_t term, size_t next, lanes *out) {
  lanes sum[8][3];
  UNROLLED for (int n = 0; n < columns; ++n) UNROLLED for (int r = 0; r < rows; ++r) sum[n][r] = (lanes)0;
  for (uint32_t t = 0; t < terms; ++t, a += rows * 16, b += term) {
    lanes q[3];
    UNROLLED for (int r = 0; r < rows; ++r) q[r] = *(const lanes *)(a + r * 16);
    UNROLLED for (int n = 0; n < columns; ++n) {
      const lanes w = width == 16 ? *(const lanes *)(b + n * next) : (lanes)b[n * next];
      UNROLLED for (int r = 0; r < rows; ++r) sum[n][r] += q[r] * w;
    }
  }
  UNROLLED for (int n = 0; n < columns; ++n) UNROLLED for (int r = 0; r < rows; ++r) out[n * rows + r] = sum[n][r];
}

INLINE void attention_products(
    const int width, const int rows, const float *a, uint32_t terms, const float *b, size_t term, size_t next, uint32_t count, lanes *out) {
  uint32_t n = 0;
#define CS_ATTENTION_TILES(N)                                                                              \
  for (; n + (N) <= count; n += (N)) attention_tile(width, rows, N, a, terms, b + n * next, term, next, out + n * rows)
  CS_ATTENTION_TILES(CS_ATTENTION_COLUMNS);
  if (CS_ATTENTION_COLUMNS > 4) CS_ATTENTION_TILES(4);
  if (CS_ATTENTION_COLUMNS > 2) CS_ATTENTION_TILES(2);
  CS_ATTENTION_TILES(1);
#undef CS_ATTENTION_TILES
}

static void CS_NAMED(attention_tiles_, FORM)(
    int width, uint32_t rows, const float *a, uint32_t terms, const float *b, size_t term, size_t next, uint32_t count, lanes *out) {
  switch (rows * 2 + (width == 16)) {
    case 2: attention_products(1, 1, a, terms, b, term, next, count, out); break;
    case 3: attention_products(16, 1, a, terms, b, term, next, count, out); break;
#if DENSE_VECTORS >= 3
    case 4: attention_products(1, 2, a, terms, b, term, next, count, out); break;
    case 5: attention_products(16, 2, a, terms, b, term, next, count, out); break;
    case 6: attention_products(1, 3, a, terms, b, term, next, count, out); break;
    case 7: attention_products(16, 3, a, terms, b, term, next, count, out); break;
#endif
    default: break;
  }
}

typedef int32_t loose_integers __attribute__((ext_vector_type(16), aligned(4)));

// Places ascend, so that 16 of them are neighbours if the last is 15 values behind the first.
INLINE int are_neighbours(const size_t *at, uint32_t count) { return count == 16 && at[15] - at[0] == 15; }

// `count` queries of a channel, or with 16 lanes one.
INLINE void take_query_values(const float *x, uint32_t width, const size_t *at, uint32_t count, lanes *out) {
  if (width == 16) {
    *out = *(const lanes *)(x + at[0]);
  } else if (are_neighbours(at, count)) {
    *out = loose(x + at[0]);
  } else {
    float *values = (float *)out;
    for (uint32_t i = 0; i < count; ++i) values[i] = x[at[i]];
    for (uint32_t i = count; i < 16; ++i) values[i] = 0;
  }
}
INLINE void put_query_values(float *y, uint32_t width, const size_t *at, uint32_t count, lanes v) {
  if (width == 16) {
    *(lanes *)(y + at[0]) = v;
  } else if (are_neighbours(at, count)) {
    *(loose_lanes *)(y + at[0]) = v;
  } else {
    for (uint32_t i = 0; i < count; ++i) y[at[i]] = v[i];
  }
}

// 1 over a vector's length.
INLINE lanes inverse_length(lanes squares) {
  const lanes length = __builtin_elementwise_sqrt(squares);
  return (lanes)1 / (length < (lanes)1e-12f ? (lanes)1e-12f : length);
}

// [channels][rows]: the queries of `rows` vectors, times the scale.
INLINE void take_queries(
    const cs_attention_step *s, const float *q, const size_t *at, uint32_t first, uint32_t rows, float scale, lanes *out) {
  const uint32_t width = s->q.lanes, size = width == 16 ? 1 : 16;
  for (uint32_t r = 0; r < rows; ++r) {
    const uint32_t i = (first + r) * size, count = s->queries - i < size ? s->queries - i : size;
    for (uint32_t c = 0; c < s->key_width; ++c) take_query_values(q + c * s->q.channel, width, at + i, count, out + c * rows + r);
    lanes factor = (lanes)scale, squares = (lanes)0;
    if (s->is_cosine) {
      for (uint32_t c = 0; c < s->key_width; ++c) squares += out[c * rows + r] * out[c * rows + r];
      factor *= inverse_length(squares);
    }
    for (uint32_t c = 0; c < s->key_width; ++c) out[c * rows + r] *= factor;
  }
}

// Channels of keys or values, a window's side by side, each from a multiple of 16 values on.
INLINE void take_positions(const cs_map *map, const float *x, uint32_t channels, const size_t *at, uint32_t count, size_t row, float *out) {
  for (uint32_t c = 0; c < channels; ++c) {
    const float *in = x + c * map->channel;
    for (uint32_t j = 0; j < count; ++j) {
      if (map->lanes == 16) {
        *(lanes *)(out + c * row + j * 16) = *(const lanes *)(in + at[j]);
      } else {
        out[c * row + j] = in[at[j]];
      }
    }
  }
}

INLINE void divide_by_lengths(float *keys, uint32_t channels, size_t row) {
  for (size_t e = 0; e < row; e += 16) {
    lanes squares = (lanes)0;
    for (uint32_t c = 0; c < channels; ++c) {
      const lanes v = *(const lanes *)(keys + c * row + e);
      squares += v * v;
    }
    const lanes factor = inverse_length(squares);
    for (uint32_t c = 0; c < channels; ++c) *(lanes *)(keys + c * row + e) *= factor;
  }
}

// Turns scores [keys][rows] into eˣ, and returns 1/Σeˣ of each vector.
INLINE void take_powers(
    const cs_attention_step *s, uint32_t head, uint32_t window, uint32_t first, uint32_t rows, lanes *scores, lanes *share) {
  const uint32_t width = s->q.lanes;
  lanes largest[3], sum[3];
  for (uint32_t r = 0; r < rows; ++r) largest[r] = (lanes)-__builtin_inff(), sum[r] = (lanes)0;
  const int32_t *parts = s->parts ? s->parts + (size_t)window * s->queries : NULL;
  for (uint32_t j = 0; j < s->keys; ++j) {
    const float *bias = s->bias ? s->bias + ((size_t)head * s->keys + j) * s->queries : NULL;
    for (uint32_t r = 0; r < rows; ++r) {
      lanes v = scores[j * rows + r];
      const uint32_t i = first + r;
      if (bias) v += width == 16 ? (lanes)bias[i] : loose(bias + 16 * i);
      if (parts) {
        const integers part = width == 16 ? (integers)parts[i] : *(const loose_integers *)(parts + 16 * i);
        v += part == (integers)parts[j] ? (lanes)0 : (lanes)-100.0f;
      }
      scores[j * rows + r] = v;
      largest[r] = v > largest[r] ? v : largest[r];
    }
  }
  for (uint32_t j = 0; j < s->keys; ++j) for (uint32_t r = 0; r < rows; ++r) {
    const lanes power = exponential(scores[j * rows + r] - largest[r]);
    scores[j * rows + r] = power;
    sum[r] += power;
  }
  for (uint32_t r = 0; r < rows; ++r) share[r] = (lanes)1 / sum[r];
}

// Vectors of the next tile when so many are left: none is left alone if that can be helped.
INLINE uint32_t attention_rows(uint32_t left) {
  const uint32_t most = CS_ATTENTION_ROWS;
  return left == most + 1 && most > 1 ? most - 1 : left < most ? left : most;
}

// Where a member finds the keys or the values of a head in a window: in their map, or gathered.
typedef struct {
  const float *values;
  size_t channel, position;
} attention_operand;

static void CS_NAMED(attention_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_attention_step *s = step;
  const uint32_t width = s->q.lanes, size = width == 16 ? 1 : 16;
  const uint32_t vectors = (s->queries + size - 1) / size, blocks = (vectors + CS_QUERY_VECTORS - 1) / CS_QUERY_VECTORS;
  const size_t row = ((size_t)s->keys * width + 15) / 16 * 16;
  lanes *const queries = (lanes *)(s->scratch + member * s->scratch_size);
  lanes *const scores = queries + (size_t)CS_QUERY_VECTORS * s->key_width;
  float *const keys = (float *)(scores + (size_t)CS_QUERY_VECTORS * s->keys), *const values = keys + s->key_width * row;
  const uint64_t count = (uint64_t)s->q.groups * s->windows * s->heads * blocks;
  uint64_t ready = UINT64_MAX;
  attention_operand k = {keys, row, width}, v = {values, row, width};
  for (uint64_t part = count * member / members; part < count * (member + 1) / members; ++part) {
    const uint64_t unit = part / blocks;
    const uint32_t block = part % blocks, head = unit % s->heads;
    const uint32_t window = unit / s->heads % s->windows, group = unit / s->heads / s->windows;
    const float *in = s->k.values + group * s->k.group + (size_t)head * s->key_width * s->k.channel;
    if (s->keys_lie_together) {
      k = (attention_operand){in + s->k_at[0], s->k.channel, width};
    } else if (unit != ready) {
      take_positions(&s->k, in, s->key_width, s->k_at + (size_t)window * s->keys, s->keys, row, keys);
      if (s->is_cosine) divide_by_lengths(keys, s->key_width, row);
    }
    in = s->v.values + group * s->v.group + (size_t)head * s->value_width * s->v.channel;
    if (s->values_lie_together) {
      v = (attention_operand){in + s->v_at[0], s->v.channel, width};
    } else if (unit != ready) {
      take_positions(&s->v, in, s->value_width, s->v_at + (size_t)window * s->keys, s->keys, row, values);
    }
    ready = unit;
    const uint32_t from = (uint64_t)vectors * block / blocks, to = (uint64_t)vectors * (block + 1) / blocks;
    const size_t *const q_at = s->q_at + (size_t)window * s->queries, *const y_at = s->y_at + (size_t)window * s->queries;
    const float *q = s->q.values + group * s->q.group + (size_t)head * s->key_width * s->q.channel;
    float *y = s->y.values + group * s->y.group + (size_t)head * s->value_width * s->y.channel;
    lanes share[CS_QUERY_VECTORS];
    for (uint32_t i = from, rows; i < to; i += rows) {
      rows = attention_rows(to - i);
      take_queries(s, q, q_at, i, rows, s->scales[head], queries + (size_t)(i - from) * s->key_width);
    }
    for (uint32_t j = 0; j < s->keys; j += CS_ATTENTION_BLOCK) {
      const uint32_t here = s->keys - j < CS_ATTENTION_BLOCK ? s->keys - j : CS_ATTENTION_BLOCK;
      for (uint32_t i = from, rows; i < to; i += rows) {
        rows = attention_rows(to - i);
        CS_NAMED(attention_tiles_, FORM)(
            width, rows, (const float *)(queries + (size_t)(i - from) * s->key_width), s->key_width, k.values + j * k.position, k.channel,
            k.position, here, scores + (size_t)(i - from) * s->keys + j * rows);
      }
    }
    for (uint32_t i = from, rows; i < to; i += rows) {
      rows = attention_rows(to - i);
      take_powers(s, head, window, i, rows, scores + (size_t)(i - from) * s->keys, share + (i - from));
    }
    for (uint32_t c = 0; c < s->value_width; c += CS_ATTENTION_BLOCK) {
      const uint32_t here = s->value_width - c < CS_ATTENTION_BLOCK ? s->value_width - c : CS_ATTENTION_BLOCK;
      for (uint32_t i = from, rows; i < to; i += rows) {
        rows = attention_rows(to - i);
        lanes out[CS_ATTENTION_BLOCK * 3];
        CS_NAMED(attention_tiles_, FORM)(
            width, rows, (const float *)(scores + (size_t)(i - from) * s->keys), s->keys, v.values + c * v.channel, v.position, v.channel,
            here, out);
        for (uint32_t n = 0; n < here; ++n) for (uint32_t r = 0; r < rows; ++r) {
          const uint32_t first = (i + r) * size, some = s->queries - first < size ? s->queries - first : size;
          put_query_values(y + (c + n) * s->y.channel, width, y_at + first, some, out[n * rows + r] * share[i - from + r]);
        }
      }
    }
  }
}
