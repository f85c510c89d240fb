// Sixteen lanes, one register for each vector.
#if defined(__x86_64__)
#define FORM avx512
#define TILE_ROWS 6
#define TILE_LANES 4
#define SPARSE_VECTORS 28
#define GRADIENT_VECTORS 24
#define DENSE_VECTORS 6
// Vectors of a tile of blocks of O outputs.
#define BLOCK_VECTORS(O) ((O) == 1 ? 16 : (O) == 2 ? 12 : 6)
// Values of two vectors at the places of a third.
#define CS_LOOKUP(LOW, HIGH, PLACES) __builtin_ia32_vpermi2varps512(LOW, PLACES, HIGH)
// Lets the compiler forget where a register's values came from, which it would load again one by one.
#define CS_HELD(V) __asm__("" : "+v"(V))
#define DENSE_ROWS(J) ((J) <= 3 ? 8 : 4)
#pragma clang attribute push( \
  __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,bmi,bmi2"), min_vector_width(512))), apply_to = function)
#include "Kernels.h"
#pragma clang attribute pop
#endif
