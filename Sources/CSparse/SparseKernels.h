// Layers of which only the kept weights are stored (cs_structure). A thread computes a share of the rows, or of the columns; what it
// computes is summed by itself alone and in the structure's order, so that shares change no bit.

// A feature of a panel is a tile of one row of so many vectors.
enum { CS_VECTORS = CS_PANEL / 16 };

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

static void CS_NAMED(forward_, FORM)(
    const cs_structure *layer, const float *values, const float *bias, cs_panels x, cs_panels y, cs_share rows, int32_t relu) {
  for (uint32_t panel = 0; panel < y.count; ++panel) {
    const float *in = x.values + panel * x.distance;
    float *out = y.values + panel * y.distance;
    for (uint32_t block = 0; block < layer->block_count; ++block) {
      const uint32_t *starts = layer->starts + (size_t)block * layer->row_count;
      const int first = block == 0, last = block + 1 == layer->block_count;
      for (uint32_t k = rows.from; k < rows.to; ++k) {
        const uint32_t begin = starts[k], end = starts[k + 1];
        if (begin == end && !first && !last) continue;
        const size_t row = layer->rows[k];
        lanes *place = (lanes *)(out + row * CS_PANEL), sum[1][4][8];
        if (first) {
          const lanes start = (lanes)(bias ? bias[row] : 0);
          UNROLLED for (int c = 0; c < CS_VECTORS; ++c) sum[0][0][c] = start;
        } else {
          UNROLLED for (int c = 0; c < CS_VECTORS; ++c) sum[0][0][c] = place[c];
        }
        kept_products(1, CS_VECTORS, 1, sum, values, layer->column, begin, end, in, CS_PANEL, 0, 1);
        if (last && relu) UNROLLED for (int c = 0; c < CS_VECTORS; ++c) sum[0][0][c] = positive(sum[0][0][c]);
        UNROLLED for (int c = 0; c < CS_VECTORS; ++c) place[c] = sum[0][0][c];
      }
    }
  }
}

INLINE void CS_NAMED(entry_gradients_, FORM)(
    const cs_structure *layer, const float *dy, const float *x, float *gradient, const uint32_t *starts, cs_share rows, int accumulate) {
  const uint16_t *column = layer->column;
  for (uint32_t k = rows.from; k < rows.to; ++k) {
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
      const lanes sums = fold1(even, odd);
      loose_lanes *out = (loose_lanes *)(gradient + i);
      *out = accumulate ? sums + *out : sums;
    }
    for (; i + 4 <= end; i += 4) {
      const lanes one = totals(AT(0), AT(1), AT(2), AT(3));
      for (int j = 0; j < 4; ++j) gradient[i + j] = (accumulate ? gradient[i + j] : 0) + one[4 * j];
    }
    for (; i < end; ++i) gradient[i] = (accumulate ? gradient[i] : 0) + total(AT(0));
#undef AT
  }
}

static void CS_NAMED(update_, FORM)(
    const cs_structure *layer, cs_panels dy, cs_panels x, cs_share rows, const cs_step *step, cs_parameters parameters) {
  for (uint32_t block = 0; block < layer->block_count; ++block) {
    const uint32_t *starts = layer->starts + (size_t)block * layer->row_count;
    for (uint32_t panel = 0; panel < dy.count; ++panel) {
      CS_NAMED(entry_gradients_, FORM)(
          layer, dy.values + panel * dy.distance, x.values + panel * x.distance, parameters.gradient, starts, rows, panel > 0);
    }
    // The gradients are still in the first-level cache.
    CS_NAMED(take_, FORM)(step, parameters, starts[rows.from], starts[rows.to]);
  }
}

static void CS_NAMED(input_gradient_, FORM)(
    const cs_structure *layer, const float *values, cs_panels dy, const float *activation, cs_panels dx, cs_share columns) {
  for (uint32_t panel = 0; panel < dy.count; ++panel) {
    const float *in = dy.values + panel * dy.distance, *shown = activation ? activation + panel * dx.distance : NULL;
    float *out = dx.values + panel * dx.distance;
    for (uint32_t k = columns.from; k < columns.to; ++k) {
      const size_t column = layer->columns[k];
      feature sum = splat(0);
      for (uint32_t i = layer->column_starts[k]; i < layer->column_starts[k + 1]; ++i) {
        sum = accumulated(sum, values[layer->entry[i]], at(in, layer->row[i]));
      }
      if (shown) {
        const feature h = load(shown, column);
        sum = (feature){
          where_positive(sum.a, h.a), where_positive(sum.b, h.b), where_positive(sum.c, h.c), where_positive(sum.d, h.d)};
      }
      store(out, column, sum);
    }
  }
}
