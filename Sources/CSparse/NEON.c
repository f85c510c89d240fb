// Four lanes and fused multiply-adds: what every 64-bit ARM processor has.
#if defined(__aarch64__)
#define FORM neon
#define TILE_ROWS 6
#define TILE_LANES 1
#include "Kernels.h"
#endif
