// Convolutions and fully connected layers of pruned networks (CSparseInference.h), a tile of the output at a time.

INLINE lanes held(lanes x, float low, float high) {
  // NaN stays NaN.
  x = x < (lanes)low ? (lanes)low : x;
  return x > (lanes)high ? (lanes)high : x;
}
INLINE lanes masked(lanes x, uint16_t mask) {
  const integers bits = (integers)(int32_t)mask;
  const integers bit = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  return (bits & bit) != 0 ? x : (lanes)0;
}
// A NaN wins a maximum, as in PyTorch.
INLINE lanes larger(lanes a, lanes b) { return ((b > a) | (b != b)) ? b : a; }
INLINE cs_share part_of(uint32_t count, uint32_t member, uint32_t members) {
  return (cs_share){(uint32_t)((uint64_t)count * member / members), (uint32_t)((uint64_t)count * (member + 1) / members)};
}

INLINE lanes finished(const cs_finish *finish, lanes sum, const float *z, const uint16_t *mask) {
  if (z) sum += loose(z);
  sum = held(sum, finish->low, finish->high);
  return mask ? masked(sum, *mask) : sum;
}

// --- Sparse layers -----------------------------------------------------------------------------------------------------

// Between blocks a tile's sums lie side by side, where they neither push the input out of the first-level cache nor are written to memory;
// the last block finishes and stores them.
INLINE void sparse_block(
    const int rows, const int columns, const int chains, const int is_first, const int is_last, const cs_sparse_step *s, const cs_tile *tile,
    uint32_t block, uint32_t from, uint32_t to, float *sums) {
  const cs_filters *f = &s->filters;
  const size_t unit = s->unit, x_row = s->x_row;
  const uint32_t *starts = f->starts + (size_t)block * f->outputs;
  const uint16_t *offsets = f->offsets;
  const float *values = f->values, *x = s->x + tile->x + (size_t)f->bases[block] * unit;
  float *between = sums + (size_t)from * (rows * columns * 16);
  for (uint32_t o = from, i = starts[from]; o < to; ++o, between += rows * columns * 16) {
    const uint32_t end = starts[o + 1];
    if (!is_first && !is_last && i == end) continue;
    lanes sum[4][4][8];
    const lanes start = (lanes)(is_first && s->finish.bias ? s->finish.bias[o] : 0);
    UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
      sum[0][r][c] = is_first ? start : *(lanes *)(between + (r * columns + c) * 16);
    }
    i = kept_products(rows, columns, chains, sum, values, offsets, i, end, x, unit, x_row, 0);
    if (!is_last) {
      UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
        *(lanes *)(between + (r * columns + c) * 16) = sum[0][r][c];
      }
      continue;
    }
    const float *z = s->finish.z ? s->finish.z + tile->z + (size_t)o * s->finish.z_channel : NULL;
    UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
      sum[0][r][c] =
          finished(&s->finish, sum[0][r][c], z ? z + r * s->z_row + c * 16 : NULL, tile->masks ? tile->masks + r * columns + c : NULL);
    }
    float *y = s->y + tile->y + (size_t)o * s->y_channel;
    if (rows % 2 == 0 && columns % 2 == 0 && s->is_pooled) {
      UNROLLED for (int r = 0; r + 1 < rows; r += 2) UNROLLED for (int c = 0; c + 1 < columns; c += 2) {
        *(loose_lanes *)(y + r / 2 * s->y_row + c / 2 * 16) =
            larger(larger(sum[0][r][c], sum[0][r][c + 1]), larger(sum[0][r + 1][c], sum[0][r + 1][c + 1]));
      }
      continue;
    }
    UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
      *(loose_lanes *)(y + r * s->y_row + c * 16) = sum[0][r][c];
    }
  }
}

INLINE void sparse_tile(
    const int rows, const int columns, const int chains, const cs_sparse_step *s, const cs_tile *tile, uint32_t from, uint32_t to,
    float *sums) {
  const uint32_t last = s->filters.blocks - 1;
  if (last == 0) return sparse_block(rows, columns, chains, 1, 1, s, tile, 0, from, to, sums);
  sparse_block(rows, columns, chains, 1, 0, s, tile, 0, from, to, sums);
  for (uint32_t block = 1; block < last; ++block) sparse_block(rows, columns, chains, 0, 0, s, tile, block, from, to, sums);
  sparse_block(rows, columns, chains, 0, 1, s, tile, last, from, to, sums);
}

#define CS_SPARSE_TILE(R, J)                                                                                                       \
  case (R) * 16 + (J):                                                                                                             \
    if ((R) * (J) <= SPARSE_VECTORS) sparse_tile(R, J, (R) * (J) >= 4 ? 1 : (R) * (J) >= 2 ? 2 : 4, s, tile, outputs.from, outputs.to, sums); \
    break;
#define CS_SPARSE_TILES(R)                                                                                               \
  CS_SPARSE_TILE(R, 1) CS_SPARSE_TILE(R, 2) CS_SPARSE_TILE(R, 3) CS_SPARSE_TILE(R, 4) CS_SPARSE_TILE(R, 5) CS_SPARSE_TILE(R, 6) \
  CS_SPARSE_TILE(R, 7) CS_SPARSE_TILE(R, 8)

static void CS_NAMED(sparse_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_sparse_step *s = step;
  cs_share outputs = {0, s->filters.outputs}, tiles = {0, s->tile_count};
  if (s->shares) {
    outputs = (cs_share){s->shares[member], s->shares[member + 1]};
  } else {
    tiles = part_of(s->tile_count, member, members);
  }
  float *sums = s->sums ? s->sums + member * s->member : NULL;
  for (uint32_t t = tiles.from; t < tiles.to; ++t) {
    const cs_tile *tile = &s->tiles[t];
    switch (tile->rows * 16 + tile->columns) { CS_SPARSE_TILES(1) CS_SPARSE_TILES(2) CS_SPARSE_TILES(4) default: break; }
  }
}

// Σ w·x[offset] of each output. The loads of a weight, of where it reads and of what are all that it takes; four sums hide how long each
// waits.
static void CS_NAMED(sparse_vector_, FORM)(const void *step, uint32_t member, uint32_t members) {
  (void)members;
  const cs_sparse_vector_step *s = step;
  const cs_filters *f = &s->filters;
  for (uint32_t block = 0; block < f->blocks; ++block) {
    const uint32_t *starts = f->starts + (size_t)block * f->outputs;
    const float *x = s->x + f->bases[block];
    const int is_first = block == 0, is_last = block + 1 == f->blocks;
    for (uint32_t o = s->shares[member]; o < s->shares[member + 1]; ++o) {
      uint32_t i = starts[o];
      const uint32_t end = starts[o + 1];
      float *y = s->y + o * s->y_channel;
      float sum = is_first ? s->finish.bias ? s->finish.bias[o] : 0 : *y, b = 0, c = 0, d = 0;
      for (; i + 4 <= end; i += 4) {
        const float *w = f->values + i;
        const uint16_t *at = f->offsets + i;
        sum += w[0] * x[at[0]], b += w[1] * x[at[1]], c += w[2] * x[at[2]], d += w[3] * x[at[3]];
      }
      for (; i < end; ++i) sum += f->values[i] * x[f->offsets[i]];
      sum += b + (c + d);
      if (is_last) {
        if (s->finish.z) sum += s->finish.z[o * s->finish.z_channel];
        sum = sum < s->finish.low ? s->finish.low : sum > s->finish.high ? s->finish.high : sum;
      }
      *y = sum;
    }
  }
}

#ifdef CS_LOOKUP
// The weights stream by once, 80 bytes for 16 of them; four sums hide how long each waits.
static void CS_NAMED(turns_, FORM)(const void *step, uint32_t member, uint32_t members) {
  (void)members;
  const cs_turn_step *s = step;
  const cs_turns *f = &s->turns;
  for (uint32_t group = s->shares[member]; group < s->shares[member + 1]; ++group) {
    lanes sum[4] = {(lanes)0, (lanes)0, (lanes)0, (lanes)0};
    uint32_t i = f->starts[group];
    const uint32_t end = f->starts[group + 1];
#define CS_TURN(K)                                                                                                        \
  do {                                                                                                                    \
    const float *window = s->x + (size_t)f->windows[i + K];                                                               \
    const integers place = __builtin_convertvector(*(const bytes *)(f->places + 16 * (size_t)(i + K)), integers);         \
    sum[K] += *(const lanes *)(f->values + 16 * (size_t)(i + K)) * CS_LOOKUP(loose(window), loose(window + 16), place);    \
  } while (0)
    for (; i + 4 <= end; i += 4) {
      CS_TURN(0);
      CS_TURN(1);
      CS_TURN(2);
      CS_TURN(3);
    }
    for (; i < end; ++i) CS_TURN(0);
#undef CS_TURN
    const lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    const uint32_t first = group * 16, count = f->outputs - first < 16 ? f->outputs - first : 16;
    for (uint32_t r = 0; r < count; ++r) {
      float y = all[r] + (s->finish.bias ? s->finish.bias[first + r] : 0);
      if (s->finish.z) y += s->finish.z[(first + r) * s->finish.z_channel];
      s->y[(first + r) * s->y_channel] = y < s->finish.low ? s->finish.low : y > s->finish.high ? s->finish.high : y;
    }
  }
}
#endif

// --- Dense layers ------------------------------------------------------------------------------------------------------

INLINE void dense_tile(
    const int count, const int columns, const cs_dense_step *s, const cs_tile *tile, uint32_t o, const float *w, const float *x,
    uint32_t inputs, int is_first, int is_last) {
  const size_t across = (size_t)s->inputs * s->taps, unit = s->unit;
  float *y = s->y + tile->y + (size_t)o * s->y_channel;
  lanes sum[8][8];
  UNROLLED for (int r = 0; r < count; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
    sum[r][c] = is_first ? (lanes)(s->finish.bias ? s->finish.bias[o + r] : 0) : loose(y + r * s->y_channel + c * 16);
  }
  const uint32_t taps = s->taps;
  for (uint32_t i = 0; i < inputs; ++i, x += s->x_channel) {
    for (uint32_t t = 0; t < taps; ++t, ++w) {
      product_term(count, columns, sum, w, across, x + (size_t)s->offsets[t] * unit);
    }
  }
  UNROLLED for (int r = 0; r < count; ++r) {
    const float *z = is_last && s->finish.z ? s->finish.z + tile->z + (size_t)(o + r) * s->finish.z_channel : NULL;
    UNROLLED for (int c = 0; c < columns; ++c) {
      lanes value = sum[r][c];
      if (is_last) value = finished(&s->finish, value, z ? z + c * 16 : NULL, tile->masks ? tile->masks + c : NULL);
      *(loose_lanes *)(y + r * s->y_channel + c * 16) = value;
    }
  }
}

INLINE uint32_t dense_rows(
    const int columns, const cs_dense_step *s, const cs_tile *tile, uint32_t o, uint32_t left, const float *w, const float *x,
    uint32_t inputs, int is_first, int is_last) {
  const int full = DENSE_ROWS(columns);
  if (left >= (uint32_t)full) return dense_tile(full, columns, s, tile, o, w, x, inputs, is_first, is_last), full;
  if (full > 4 && left >= 4) return dense_tile(4, columns, s, tile, o, w, x, inputs, is_first, is_last), 4;
  if (full > 2 && left >= 2) return dense_tile(2, columns, s, tile, o, w, x, inputs, is_first, is_last), 2;
  return dense_tile(1, columns, s, tile, o, w, x, inputs, is_first, is_last), 1;
}

#define CS_DENSE_TILE(J)                                                                                                  \
  case J:                                                                                                                 \
    if ((J) <= DENSE_VECTORS) count = dense_rows((J), s, tile, o, last - o, w, x, inputs, is_first, is_last);              \
    break;

static void CS_NAMED(dense_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_dense_step *s = step;
  const uint32_t outputs = s->outputs / s->groups;
  const size_t across = (size_t)s->inputs * s->taps;
  const cs_share tiles = s->by_outputs ? (cs_share){0, s->tile_count} : part_of(s->tile_count, member, members);
  const cs_share share = s->by_outputs ? part_of(outputs, member, members) : (cs_share){0, outputs};
  for (uint32_t t = tiles.from; t < tiles.to; ++t) {
    const cs_tile *tile = &s->tiles[t];
    for (uint32_t group = 0; group < s->groups; ++group) {
      for (uint32_t input = 0; input < s->inputs; input += s->block) {
        const uint32_t inputs = s->inputs - input < s->block ? s->inputs - input : s->block;
        const int is_first = input == 0, is_last = input + inputs == s->inputs;
        const float *x = s->x + tile->x + ((size_t)group * s->inputs + input) * s->x_channel;
        const uint32_t last = group * outputs + share.to;
        for (uint32_t o = group * outputs + share.from, count = 1; o < last; o += count) {
          const float *w = s->weights + o * across + (size_t)input * s->taps;
          switch (tile->columns) {
            CS_DENSE_TILE(1) CS_DENSE_TILE(2) CS_DENSE_TILE(3) CS_DENSE_TILE(4) CS_DENSE_TILE(5) CS_DENSE_TILE(6)
            default: count = last - o; break;
          }
        }
      }
    }
  }
}

static void CS_NAMED(dense_vector_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_dense_vector_step *s = step;
  const cs_share outputs = part_of(s->outputs, member, members);
  for (uint32_t o = outputs.from; o < outputs.to; o += 4) {
    const uint32_t count = outputs.to - o < 4 ? outputs.to - o : 4;
    // The last rows stand in for those beyond the end.
    const float *w[4];
    UNROLLED for (uint32_t r = 0; r < 4; ++r) w[r] = s->weights + (size_t)(o + (r < count ? r : count - 1)) * s->inputs;
    lanes sum[4] = {(lanes)0, (lanes)0, (lanes)0, (lanes)0};
    uint32_t i = 0;
    for (; i + 16 <= s->inputs; i += 16) {
      const lanes x = loose(s->x + i);
      UNROLLED for (int r = 0; r < 4; ++r) sum[r] += loose(w[r] + i) * x;
    }
    for (uint32_t r = 0; r < count; ++r) {
      float y = total(sum[r]) + (s->finish.bias ? s->finish.bias[o + r] : 0);
      for (uint32_t k = i; k < s->inputs; ++k) y += w[r][k] * s->x[k];
      if (s->finish.z) y += s->finish.z[(o + r) * s->finish.z_channel];
      s->y[(o + r) * s->y_channel] = y < s->finish.low ? s->finish.low : y > s->finish.high ? s->finish.high : y;
    }
  }
}
