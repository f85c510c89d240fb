// Sums of products that training and inference have in common, each of a tile of vectors that stays in registers. Sizes of tiles, and what
// else decides the code, are constants wherever these are called. Another order of additions gives trainings other bits (CS_GENERATION).

// A layer's kept weights: sum[0] += Σ values[i]·x[offsets[i]] for i ..< to, over `rows` × `columns` vectors; returns `to`, where the next
// output's begin. Offsets count `unit` values, and a tile's rows lie x_row values apart. A weight's products take as long as a tile has
// vectors; several weights at once, where vectors are few, hide how long a sum waits for the one before: they have `chains` sums, which are
// added up in the end.
INLINE uint32_t kept_products(
    const int rows, const int columns, const int chains, lanes (*sum)[4][8], const float *values, const uint16_t *offsets,
    uint32_t i, uint32_t to, const float *x, size_t unit, size_t x_row, const int is_aligned) {
  UNROLLED for (int k = 1; k < chains; ++k) UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
    sum[k][r][c] = (lanes)0;
  }
#ifdef CS_HELD
  // Loads are what such a tile waits for: four weights come with one, and are spread from the register that holds them.
  if (chains == 1) {
    for (; i + 4 <= to; i += 4) {
      const quarter own = *(const loose_quarter *)(values + i);
      lanes four = __builtin_shufflevector(own, own, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
      CS_HELD(four);
#define CS_PRODUCT(K)                                                                                                                 \
  do {                                                                                                                                \
    const float *p = x + (size_t)offsets[i + K] * unit;                                                                               \
    const lanes w = __builtin_shufflevector(                                                                                          \
        four, four, K, K, K, K, 4 + K, 4 + K, 4 + K, 4 + K, 8 + K, 8 + K, 8 + K, 8 + K, 12 + K, 12 + K, 12 + K, 12 + K);              \
    UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {                                              \
      sum[0][r][c] += w * vector(p + r * x_row + c * 16, is_aligned);                                                                 \
    }                                                                                                                                 \
  } while (0)
      CS_PRODUCT(0);
      CS_PRODUCT(1);
      CS_PRODUCT(2);
      CS_PRODUCT(3);
#undef CS_PRODUCT
    }
  }
#endif
  for (; chains == 1 ? i < to : i + chains <= to; i += chains) {
    UNROLLED for (int k = 0; k < chains; ++k) {
      const float *p = x + (size_t)offsets[i + k] * unit;
      const lanes w = (lanes)values[i + k];
      UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
        sum[k][r][c] += w * vector(p + r * x_row + c * 16, is_aligned);
      }
    }
  }
  if (chains == 1) return i;
  for (; i < to; ++i) {
    const float *p = x + (size_t)offsets[i] * unit;
    const lanes w = (lanes)values[i];
    UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
      sum[0][r][c] += w * vector(p + r * x_row + c * 16, is_aligned);
    }
  }
  UNROLLED for (int k = 1; k < chains; ++k) UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) {
    sum[0][r][c] += sum[k][r][c];
  }
  return i;
}

// One term of a layer that stores all its weights: sum[r] += w[r·across]·x for `rows` weights and `columns` vectors.
INLINE void product_term(const int rows, const int columns, lanes (*sum)[8], const float *w, size_t across, const float *x) {
  lanes v[8];
  UNROLLED for (int c = 0; c < columns; ++c) v[c] = loose(x + c * 16);
  UNROLLED for (int r = 0; r < rows; ++r) {
    const lanes weight = (lanes)w[r * across];
    UNROLLED for (int c = 0; c < columns; ++c) sum[r][c] += weight * v[c];
  }
}

// The totals of four vectors, at lanes 0, 4, 8 and 12.
INLINE lanes totals(lanes a, lanes b, lanes c, lanes d) {
  const lanes four = fold4(fold8(a, c), fold8(b, d)), two = fold2(four, four);
  return fold1(two, two);
}
