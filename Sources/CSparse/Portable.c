// What every machine can compute.
#if !defined(__aarch64__)
#define FORM portable
#define TILE_ROWS 3
#define TILE_LANES 1
#define SPARSE_VECTORS 2
#define GRADIENT_VECTORS 2
#define DENSE_VECTORS 1
// Vectors of a tile of blocks of O outputs.
#define BLOCK_VECTORS(O) ((O) == 1 ? 2 : 1)
#define DENSE_ROWS(J) 2
#include "Kernels.h"
#endif
