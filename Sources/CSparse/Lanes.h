// What all kernels are written in: vectors of 16 lanes, which the compiler splits as a form's registers need it. Included once by each
// form; from here on products and sums are fused where the instruction set can.
typedef float lanes __attribute__((ext_vector_type(16)));
typedef float loose_lanes __attribute__((ext_vector_type(16), aligned(4)));
typedef int32_t integers __attribute__((ext_vector_type(16)));
typedef float half __attribute__((ext_vector_type(8)));
typedef float loose_half __attribute__((ext_vector_type(8), aligned(4)));
typedef float quarter __attribute__((ext_vector_type(4)));
typedef float loose_quarter __attribute__((ext_vector_type(4), aligned(4)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")
#define CS_JOIN(A, B) A##B
#define CS_NAMED(A, B) CS_JOIN(A, B)

INLINE lanes loose(const float *p) { return *(const loose_lanes *)p; }
INLINE lanes vector(const float *p, const int is_aligned) { return is_aligned ? *(const lanes *)p : loose(p); }

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

// Turns a 16 × 16 block about its diagonal.
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
