// What every machine can compute.
#if !defined(__aarch64__)
#define FORM portable
#define TILE_ROWS 3
#define TILE_LANES 1
#include "Kernels.h"
#endif
