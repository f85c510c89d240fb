// Four lanes and fused multiply-adds: what every 64-bit ARM processor has.
#if defined(__aarch64__)
#define FORM neon
#define TILE_ROWS 6
#define TILE_LANES 1
#define SPARSE_VECTORS 7
#define DENSE_VECTORS 1
#define DENSE_ROWS(J) 6
#include "Kernels.h"
#endif
