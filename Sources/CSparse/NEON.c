// Four lanes and fused multiply-adds: what every 64-bit ARM processor has.
#if defined(__aarch64__)
#define FORM neon
#include "Kernels.h"
#endif
