// Layers that store all their weights (cs_matrix), as products tiled for the form's registers: TILE_ROWS weights against TILE_LANES
// vectors of examples, or of inputs. Each sum starts at the bias or at 0 and runs through its terms in ascending order, whatever the
// tiles, blocks and shares: a dense layer gives the bits of a sparse one that keeps every weight, but for the weights' gradients, whose
// sums over examples a sparse layer takes 16 lanes at a time.

// Columns of a block of inputs, 256 bytes each, which should stay in the second-level cache while all rows read it.
enum { CS_BLOCK = 512, CS_ROW_BLOCK = 64 };

INLINE void product_tile(
    const int count, const float *w, size_t along, size_t across, const float *x, uint32_t terms, const float *start, float *y) {
  lanes sum[TILE_ROWS][8];
  UNROLLED for (int r = 0; r < count; ++r) UNROLLED for (int c = 0; c < TILE_LANES; ++c) {
    sum[r][c] = start ? (lanes)start[r] : ((const lanes *)(y + r * CS_PANEL))[c];
  }
  for (uint32_t k = 0; k < terms; ++k) product_term(count, TILE_LANES, sum, w + k * along, across, x + (size_t)k * CS_PANEL);
  UNROLLED for (int r = 0; r < count; ++r) UNROLLED for (int c = 0; c < TILE_LANES; ++c) {
    ((lanes *)(y + r * CS_PANEL))[c] = sum[r][c];
  }
}

// Expands BODY with `count` a constant: the tile's full height, or what is left.
#define FOR_COUNT(LEFT, BODY)                                                    \
  switch (LEFT) {                                                                \
    case 1: { enum { count = 1 }; BODY; break; }                                 \
    case 2: { enum { count = 2 }; BODY; break; }                                 \
    case 3: { enum { count = 3 }; BODY; break; }                                 \
    case 4: { enum { count = TILE_ROWS < 4 ? TILE_ROWS : 4 }; BODY; break; }     \
    case 5: { enum { count = TILE_ROWS < 5 ? TILE_ROWS : 5 }; BODY; break; }     \
    default: { enum { count = TILE_ROWS }; BODY; break; }                        \
  }

// y[0 ..< tile] += Σ_k w[r·across + k·along]·x[k], from `start` on where that is given.
static void CS_NAMED(product_, FORM)(
    uint32_t tile, const float *w, size_t along, size_t across, const float *x, uint32_t terms, const float *start, float *y) {
  for (size_t lane = 0; lane < CS_PANEL; lane += 16 * TILE_LANES) {
    FOR_COUNT(tile, product_tile(count, w, along, across, x + lane, terms, start, y + lane))
  }
}

INLINE uint32_t tile_of(uint32_t left) { return left < TILE_ROWS ? left : TILE_ROWS; }
INLINE uint32_t block_of(uint32_t left, uint32_t size) { return left < size ? left : size; }

static void CS_NAMED(dense_forward_, FORM)(
    const cs_matrix *layer, const float *values, const float *bias, cs_panels x, cs_panels y, cs_share rows, int32_t relu) {
  static const float zeros[TILE_ROWS];
  for (uint32_t block = 0; block < layer->column_count; block += CS_BLOCK) {
    const uint32_t terms = block_of(layer->column_count - block, CS_BLOCK);
    const int last = block + terms == layer->column_count;
    for (uint32_t row = rows.from, tile; row < rows.to; row += tile) {
      tile = tile_of(rows.to - row);
      const float *start = block > 0 ? NULL : bias ? bias + row : zeros;
      for (uint32_t panel = 0; panel < y.count; ++panel) {
        float *out = y.values + panel * y.distance + (size_t)row * CS_PANEL;
        CS_NAMED(product_, FORM)(
            tile, values + (size_t)row * layer->stride + block, 1, layer->stride,
            x.values + panel * x.distance + (size_t)block * CS_PANEL, terms, start, out);
        if (!last || !relu) continue;
        for (lanes *p = (lanes *)out, *end = (lanes *)(out + tile * CS_PANEL); p < end; ++p) *p = positive(*p);
      }
    }
  }
}

static void CS_NAMED(dense_input_gradient_, FORM)(
    const cs_matrix *layer, const float *values, cs_panels dy, const float *activation, cs_panels dx, cs_share columns) {
  static const float zeros[TILE_ROWS];
  for (uint32_t block = 0; block < layer->row_count; block += CS_ROW_BLOCK) {
    const uint32_t terms = block_of(layer->row_count - block, CS_ROW_BLOCK);
    const int last = block + terms == layer->row_count;
    for (uint32_t column = columns.from, tile; column < columns.to; column += tile) {
      tile = tile_of(columns.to - column);
      for (uint32_t panel = 0; panel < dy.count; ++panel) {
        const size_t place = panel * dx.distance + (size_t)column * CS_PANEL;
        float *out = dx.values + place;
        CS_NAMED(product_, FORM)(
            tile, values + (size_t)block * layer->stride + column, layer->stride, 1,
            dy.values + panel * dy.distance + (size_t)block * CS_PANEL, terms, block > 0 ? NULL : zeros, out);
        if (!last || !activation) continue;
        const lanes *h = (const lanes *)(activation + place);
        for (lanes *p = (lanes *)out, *end = (lanes *)(out + tile * CS_PANEL); p < end; ++p, ++h) *p = where_positive(*p, *h);
      }
    }
  }
}

// The step of `count` rows and `width` vectors of weights, whose gradients never leave the registers. x: the inputs of the tile's columns
// by examples, CS_PANEL values apart. reach, if given, gets the columns' Σ of gradient·weight, or goes on with what it has.
INLINE void update_tile(
    const int kind, const int count, const int width, const uint16_t *keep, size_t keep_stride, const float *dy, size_t distance,
    const float *x, uint32_t examples, const cs_step *step, cs_parameters p, size_t first, size_t stride, float *reach, int goes_on) {
  lanes sum[TILE_ROWS][8];
  // Weights and moments of this tile arrive while it is summed.
  UNROLLED for (int r = 0; r < count; ++r) UNROLLED for (int c = 0; c < width; ++c) {
    const size_t i = first + r * stride + c * 16;
    sum[r][c] = (lanes)0;
    if (kind != CS_STORE) __builtin_prefetch(p.weights + i, 1), __builtin_prefetch(p.first + i, 1);
    if (kind >= CS_ADAM) __builtin_prefetch(p.second + i, 1);
  }
  for (uint32_t start = 0; start < examples; start += CS_PANEL, dy += distance) {
    const uint32_t end = block_of(examples - start, CS_PANEL);
    for (uint32_t e = 0; e < end; ++e, x += CS_PANEL) product_term(count, width, sum, dy + e, CS_PANEL, x);
  }
  lanes reached[TILE_LANES];
  if (reach) UNROLLED for (int c = 0; c < width; ++c) reached[c] = goes_on ? ((lanes *)reach)[c] : (lanes)0;
  UNROLLED for (int r = 0; r < count; ++r) UNROLLED for (int c = 0; c < width; ++c) {
    lanes gradient = sum[r][c];
    if (keep) {
      const integers bits = (integers)(int32_t)keep[r * keep_stride + c];
      const integers bit = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
      gradient = (bits & bit) != 0 ? gradient : (lanes)0;
    }
    if (reach) reached[c] += gradient * *(const lanes *)(p.weights + first + r * stride + c * 16);
    take_lanes(kind, step, p, first + r * stride + c * 16, gradient);
  }
  if (reach) UNROLLED for (int c = 0; c < width; ++c) ((lanes *)reach)[c] = reached[c];
}

// by_example[example][input − first] = x[input][example] of a panel, for `count` inputs; 0 for the others up to the next multiple of 16.
INLINE void transposed(const float *x, uint32_t count, uint32_t examples, float *by_example) {
  for (uint32_t input = 0; input < count; input += 16) {
    for (uint32_t e = 0; e < examples; e += 16) {
      lanes block[16];
      for (uint32_t i = 0; i < 16; ++i) block[i] = input + i < count ? *(const lanes *)(x + (input + i) * CS_PANEL + e) : (lanes)0;
      turn(block);
      for (uint32_t i = 0; i < 16; ++i) *(lanes *)(by_example + (e + i) * CS_PANEL + input) = block[i];
    }
  }
}

INLINE void update_all(
    const int kind, const cs_matrix *layer, cs_panels dy, cs_panels x, uint32_t examples, cs_share rows, const cs_step *step,
    cs_parameters p, float *scratch, float *reach) {
  const size_t words = layer->stride / 16;
  for (uint32_t column = 0; column < layer->column_count; column += CS_PANEL) {
    const uint32_t width = block_of(layer->column_count - column, CS_PANEL);
    for (uint32_t panel = 0; panel < x.count; ++panel) {
      transposed(
          x.values + panel * x.distance + (size_t)column * CS_PANEL, width, block_of(examples - panel * CS_PANEL, CS_PANEL),
          scratch + panel * CS_PANEL * CS_PANEL);
    }
    for (uint32_t lane = 0; lane < width;) {
      const int is_whole = lane + 16 * TILE_LANES <= width;
      for (uint32_t row = rows.from, tile; row < rows.to; row += tile) {
        tile = tile_of(rows.to - row);
        const size_t first = (size_t)row * layer->stride + column + lane;
        const uint16_t *keep = layer->keep ? layer->keep + first / 16 : NULL;
        const float *d = dy.values + (size_t)row * CS_PANEL, *in = scratch + lane;
        const int goes_on = row % CS_REACH != 0;
        float *reached = reach ? reach + row / CS_REACH * layer->stride + column + lane : NULL;
        if (is_whole) {
          FOR_COUNT(
              tile, update_tile(
                        kind, count, TILE_LANES, keep, words, d, dy.distance, in, examples, step, p, first, layer->stride, reached, goes_on))
        } else {
          FOR_COUNT(
              tile,
              update_tile(kind, count, 1, keep, words, d, dy.distance, in, examples, step, p, first, layer->stride, reached, goes_on))
        }
      }
      lane += is_whole ? 16 * TILE_LANES : 16;
    }
  }
}

static void CS_NAMED(dense_update_, FORM)(
    const cs_matrix *layer, cs_panels dy, cs_panels x, uint32_t examples, cs_share rows, const cs_step *step, cs_parameters parameters,
    float *scratch, float *reach) {
  // A column's inputs are transposed for those who have a row.
  if (rows.from == rows.to) return;
  FOR_KIND(step, update_all(kind, layer, dy, x, examples, rows, step, parameters, scratch, reach))
}

static void CS_NAMED(scale_, FORM)(cs_panels x, const float *factors, cs_share rows) {
  for (uint32_t panel = 0; panel < x.count; ++panel) {
    for (uint32_t row = rows.from; row < rows.to; ++row) {
      lanes *p = (lanes *)(x.values + panel * x.distance + (size_t)row * CS_PANEL);
      UNROLLED for (int c = 0; c < CS_PANEL / 16; ++c) p[c] *= factors[row];
    }
  }
}
