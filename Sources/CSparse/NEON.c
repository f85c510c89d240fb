// Four lanes and fused multiply-adds: what every 64-bit ARM processor has.
#if defined(__aarch64__)
#define FORM neon
#define TILE_ROWS 6
#define TILE_LANES 1
#define SPARSE_VECTORS 7
#define GRADIENT_VECTORS 5
#define DENSE_VECTORS 1
// Vectors of a tile of blocks of O outputs.
#define BLOCK_VECTORS(O) ((O) == 1 ? 7 : (O) == 2 ? 3 : 1)
#define DENSE_ROWS(J) 6
#include "Kernels.h"
#endif
