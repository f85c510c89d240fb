// Layers whose weights are left in blocks (CSparseInference.h): several outputs share what is loaded of x, and a block has one place.

typedef float loose_quad __attribute__((ext_vector_type(4), aligned(4)));
typedef float quad __attribute__((ext_vector_type(4)));
typedef float duo __attribute__((ext_vector_type(2)));
typedef float loose_duo __attribute__((ext_vector_type(2), aligned(4)));

// One point of x times the weights of all outputs of a block.
INLINE void block_point(
    const int outputs, const int rows, const int columns, lanes (*sum)[4][8], const float *w, const float *p, size_t x_row) {
  UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
    const lanes v = loose(p + r * x_row + c * 16);
    UNROLLED for (int o = 0; o < outputs; ++o) sum[o][r][c] += (lanes)w[o] * v;
  }
}

// Three neighbouring points, each of which reads all but one of the vectors that the next one reads.
INLINE void block_run(
    const int rows, const int columns, const int chains, lanes (*sum)[4][4][8], const float *w, const float *p, size_t x_row) {
  UNROLLED for (int r = 0; r < rows; ++r) {
    lanes v[10];
    UNROLLED for (int c = 0; c < columns + 2; ++c) v[c] = loose(p + r * x_row + c * 16);
    UNROLLED for (int t = 0; t < 3; ++t) UNROLLED for (int c = 0; c < columns; ++c) {
      sum[chains > 1 ? t : 0][0][r][c] += (lanes)w[t] * v[c + t];
    }
  }
}

// What a block's points are: a single one, any, or runs of three.
enum { CS_SINGLE, CS_ANY, CS_RUNS };

INLINE void block_tile(
    const int outputs, const int rows, const int columns, const int kind, const int chains, const cs_block_step *s, const cs_tile *tile,
    uint32_t from, uint32_t to) {
  const cs_blocks *f = &s->blocks;
  const size_t unit = s->unit, x_row = s->x_row, y_row = s->y_row;
  const uint32_t points = kind == CS_SINGLE ? 1 : f->points, groups = (f->outputs + outputs - 1) / outputs;
  for (uint32_t span = 0; span < f->spans; ++span) {
    const uint32_t *starts = f->starts + (size_t)span * groups;
    const float *x = s->x + tile->x + (size_t)f->bases[span] * unit;
    const int is_first = span == 0, is_last = span + 1 == f->spans;
    for (uint32_t g = from; g < to; ++g) {
      const uint32_t end = starts[g + 1];
      if (starts[g] == end && !is_first && !is_last) continue;
      const uint32_t first = g * outputs;
      float *y = s->y + tile->y + (size_t)first * s->y_channel;
      lanes sum[4][4][4][8];
      UNROLLED for (int o = 0; o < outputs; ++o) {
        // Outputs beyond the last have weights of 0 and are not stored.
        const int exists = o == 0 || first + o < f->outputs;
        const lanes start = (lanes)(is_first && exists && s->finish.bias ? s->finish.bias[first + o] : 0);
        UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
          sum[0][o][r][c] = is_first || !exists ? start : loose(y + o * s->y_channel + r * y_row + c * 16);
          UNROLLED for (int k = 1; k < chains; ++k) sum[k][o][r][c] = (lanes)0;
        }
      }
      for (uint32_t i = starts[g]; i < end; ++i) {
        const float *p = x + (size_t)f->offsets[i] * unit;
        const float *w = f->values + (size_t)i * points * outputs;
        if (kind == CS_SINGLE) {
          block_point(outputs, rows, columns, sum[0], w, p, x_row);
        } else if (kind == CS_RUNS) {
          for (uint32_t k = 0; k < points; k += 3) block_run(rows, columns, chains, sum, w + k, p + s->places[k], x_row);
        } else {
          uint32_t k = 0;
          for (; k + chains <= points; k += chains) {
            UNROLLED for (int j = 0; j < chains; ++j) {
              block_point(outputs, rows, columns, sum[j], w + (k + j) * outputs, p + s->places[k + j], x_row);
            }
          }
          if (chains > 1) for (; k < points; ++k) block_point(outputs, rows, columns, sum[0], w + k * outputs, p + s->places[k], x_row);
        }
      }
      UNROLLED for (int o = 0; o < outputs; ++o) {
        if (o > 0 && first + o >= f->outputs) break;
        const float *z = is_last && s->finish.z ? s->finish.z + tile->z + (size_t)(first + o) * s->finish.z_channel : NULL;
        UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
          lanes value = sum[0][o][r][c];
          UNROLLED for (int k = 1; k < chains; ++k) value += sum[k][o][r][c];
          if (is_last) {
            value = finished(&s->finish, value, z ? z + r * s->z_row + c * 16 : NULL, tile->masks ? tile->masks + r * columns + c : NULL);
          }
          *(loose_lanes *)(y + o * s->y_channel + r * y_row + c * 16) = value;
        }
      }
    }
  }
}

// A sum waits for the one before; blocks of few outputs and vectors have several sums of each.
#define CS_BLOCK_CHAINS(O, V, KIND) ((KIND) == CS_SINGLE || (O) * (V) >= 4 ? 1 : (KIND) == CS_RUNS ? 3 : (O) * (V) >= 2 ? 2 : 4)
#define CS_BLOCK_TILE(O, R, J, KIND)                                                                                                  \
  case (R) * 16 + (J):                                                                                                                \
    if ((R) * (J) <= BLOCK_VECTORS(O)) block_tile(O, R, J, KIND, CS_BLOCK_CHAINS(O, (R) * (J), KIND), s, tile, groups.from, groups.to); \
    break;
#define CS_BLOCK_TILES(O, R, KIND)                                                                                              \
  CS_BLOCK_TILE(O, R, 1, KIND) CS_BLOCK_TILE(O, R, 2, KIND) CS_BLOCK_TILE(O, R, 3, KIND) CS_BLOCK_TILE(O, R, 4, KIND)           \
  CS_BLOCK_TILE(O, R, 5, KIND) CS_BLOCK_TILE(O, R, 6, KIND) CS_BLOCK_TILE(O, R, 7, KIND) CS_BLOCK_TILE(O, R, 8, KIND)
#define CS_BLOCKS_OF(NAME, O, KIND)                                                                                             \
  static void CS_NAMED(NAME, FORM)(const cs_block_step *s, const cs_tile *tile, cs_share groups) {                              \
    switch (tile->rows * 16 + tile->columns) {                                                                                  \
      CS_BLOCK_TILES(O, 1, KIND) CS_BLOCK_TILES(O, 2, KIND) CS_BLOCK_TILES(O, 4, KIND) default: break;                          \
    }                                                                                                                           \
  }
CS_BLOCKS_OF(blocks_1_any_, 1, CS_ANY)
CS_BLOCKS_OF(blocks_1_runs_, 1, CS_RUNS)
CS_BLOCKS_OF(blocks_2_single_, 2, CS_SINGLE)
CS_BLOCKS_OF(blocks_2_any_, 2, CS_ANY)
CS_BLOCKS_OF(blocks_4_single_, 4, CS_SINGLE)
CS_BLOCKS_OF(blocks_4_any_, 4, CS_ANY)

static void CS_NAMED(blocks_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_block_step *s = step;
  const cs_blocks *f = &s->blocks;
  cs_share groups = {0, (f->outputs + f->rows - 1) / f->rows}, tiles = {0, s->tile_count};
  if (s->shares) {
    groups = (cs_share){s->shares[member], s->shares[member + 1]};
  } else {
    tiles = part_of(s->tile_count, member, members);
  }
  const int is_single = f->points == 1;
  for (uint32_t t = tiles.from; t < tiles.to; ++t) {
    const cs_tile *tile = &s->tiles[t];
    switch (f->rows) {
      case 4:
        if (is_single) {
          CS_NAMED(blocks_4_single_, FORM)(s, tile, groups);
        } else {
          CS_NAMED(blocks_4_any_, FORM)(s, tile, groups);
        }
        break;
      case 2:
        if (is_single) {
          CS_NAMED(blocks_2_single_, FORM)(s, tile, groups);
        } else {
          CS_NAMED(blocks_2_any_, FORM)(s, tile, groups);
        }
        break;
      default:
        if (s->runs) {
          CS_NAMED(blocks_1_runs_, FORM)(s, tile, groups);
        } else {
          CS_NAMED(blocks_1_any_, FORM)(s, tile, groups);
        }
        break;
    }
  }
}

// --- A lone example's vector -------------------------------------------------------------------------------------------

INLINE quad quarters_total(lanes x) { return (x.lo.lo + x.lo.hi) + (x.hi.lo + x.hi.hi); }

// Blocks i ..< end of four outputs and neighbouring points: four points of all four outputs at once.
INLINE quad near_rows(const cs_blocks *f, const uint32_t points, const float *x, uint32_t i, uint32_t end) {
  lanes sum[4] = {(lanes)0, (lanes)0, (lanes)0, (lanes)0};
#define CS_NEAR(K)                                                                                                             \
  do {                                                                                                                         \
    const float *p = x + f->offsets[i + K], *w = f->values + (size_t)(i + K) * points * 4;                                     \
    for (uint32_t k = 0; k < points; k += 4) {                                                                                 \
      const quad v = *(const loose_quad *)(p + k);                                                                             \
      sum[K] += loose(w + k * 4) * __builtin_shufflevector(v, v, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);              \
    }                                                                                                                          \
  } while (0)
  for (; i + 4 <= end; i += 4) {
    CS_NEAR(0);
    CS_NEAR(1);
    CS_NEAR(2);
    CS_NEAR(3);
  }
  for (; i < end; ++i) CS_NEAR(0);
#undef CS_NEAR
  return quarters_total((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

// Blocks of one output and neighbouring points, four blocks at once.
INLINE float near_row(const cs_blocks *f, const uint32_t points, const float *x, uint32_t i, uint32_t end) {
  lanes sum = (lanes)0;
  quad rest = (quad)0;
  for (; i + 4 <= end; i += 4) {
    const uint16_t *at = f->offsets + i;
    const float *w = f->values + (size_t)i * points;
    for (uint32_t k = 0; k < points; k += 4) {
      lanes v, weights;
      v.lo.lo = *(const loose_quad *)(x + at[0] + k), v.lo.hi = *(const loose_quad *)(x + at[1] + k);
      v.hi.lo = *(const loose_quad *)(x + at[2] + k), v.hi.hi = *(const loose_quad *)(x + at[3] + k);
      if (points == 4) {
        weights = loose(w);
      } else {
        weights.lo.lo = *(const loose_quad *)(w + k), weights.lo.hi = *(const loose_quad *)(w + points + k);
        weights.hi.lo = *(const loose_quad *)(w + 2 * points + k), weights.hi.hi = *(const loose_quad *)(w + 3 * points + k);
      }
      sum += weights * v;
    }
  }
  for (; i < end; ++i) {
    for (uint32_t k = 0; k < points; k += 4) {
      rest += *(const loose_quad *)(f->values + (size_t)i * points + k) * *(const loose_quad *)(x + f->offsets[i] + k);
    }
  }
  rest += quarters_total(sum);
  return (rest.x + rest.y) + (rest.z + rest.w);
}

// Blocks of points that lie anywhere; four sums hide how long each waits.
#define CS_FAR_ROWS(NAME, TYPE, LOOSE, OUTPUTS)                                                           \
  INLINE TYPE NAME(const cs_blocks *f, const float *x, uint32_t i, uint32_t end) {                        \
    const uint32_t points = f->points;                                                                    \
    TYPE sum[4] = {(TYPE)0, (TYPE)0, (TYPE)0, (TYPE)0};                                                   \
    const float *w = f->values + (size_t)i * points * OUTPUTS;                                            \
    for (uint32_t k = 0; k < points; ++k) {                                                               \
      const float *p = x + f->deltas[k], *v = w + k * OUTPUTS;                                            \
      const size_t step = (size_t)points * OUTPUTS;                                                       \
      uint32_t j = i;                                                                                     \
      for (; j + 4 <= end; j += 4, v += 4 * step) {                                                       \
        UNROLLED for (int e = 0; e < 4; ++e) sum[e] += *(const LOOSE *)(v + e * step) * p[f->offsets[j + e]]; \
      }                                                                                                   \
      for (; j < end; ++j, v += step) sum[0] += *(const LOOSE *)v * p[f->offsets[j]];                     \
    }                                                                                                     \
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);                                                         \
  }
CS_FAR_ROWS(CS_NAMED(far_1_, FORM), float, float, 1)
CS_FAR_ROWS(CS_NAMED(far_2_, FORM), duo, loose_duo, 2)
CS_FAR_ROWS(CS_NAMED(far_4_, FORM), quad, loose_quad, 4)

static void CS_NAMED(block_vector_, FORM)(const void *step, uint32_t member, uint32_t members) {
  (void)members;
  const cs_block_vector_step *s = step;
  const cs_blocks *f = &s->blocks;
  const uint32_t groups = (f->outputs + f->rows - 1) / f->rows;
  // Neighbours, in fours.
  const int is_near = s->adjacent && f->points % 4 == 0;
  for (uint32_t span = 0; span < f->spans; ++span) {
    const uint32_t *starts = f->starts + (size_t)span * groups;
    const float *x = s->x + f->bases[span];
    const int is_first = span == 0, is_last = span + 1 == f->spans;
    for (uint32_t g = s->shares[member]; g < s->shares[member + 1]; ++g) {
      const uint32_t i = starts[g], end = starts[g + 1], first = g * f->rows;
      quad sum = (quad)0;
      if (f->rows == 4) {
        sum = !is_near          ? CS_NAMED(far_4_, FORM)(f, x, i, end)
              : f->points == 4 ? near_rows(f, 4, x, i, end)
                               : near_rows(f, f->points, x, i, end);
      } else if (f->rows == 2) {
        sum.lo = CS_NAMED(far_2_, FORM)(f, x, i, end);
      } else {
        sum.x = !is_near          ? CS_NAMED(far_1_, FORM)(f, x, i, end)
                : f->points == 4 ? near_row(f, 4, x, i, end)
                                 : near_row(f, f->points, x, i, end);
      }
      const uint32_t count = f->outputs - first < f->rows ? f->outputs - first : f->rows;
      for (uint32_t r = 0; r < count; ++r) {
        const uint32_t o = first + r;
        float *y = s->y + o * s->y_channel;
        float value = sum[r] + (is_first ? s->finish.bias ? s->finish.bias[o] : 0 : *y);
        if (is_last) {
          if (s->finish.z) value += s->finish.z[o * s->finish.z_channel];
          value = value < s->finish.low ? s->finish.low : value > s->finish.high ? s->finish.high : value;
        }
        *y = value;
      }
    }
  }
}
