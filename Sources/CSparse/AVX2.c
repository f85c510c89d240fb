// Eight lanes and fused multiply-adds.
#if defined(__x86_64__)
#define FORM avx2
#define TILE_ROWS 6
#define TILE_LANES 1
#define SPARSE_VECTORS 7
#define GRADIENT_VECTORS 5
#define DENSE_VECTORS 1
// Vectors of a tile of blocks of O outputs.
#define BLOCK_VECTORS(O) ((O) == 1 ? 7 : (O) == 2 ? 3 : 1)
#define DENSE_ROWS(J) 6
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#include "Kernels.h"
#pragma clang attribute pop
#endif
