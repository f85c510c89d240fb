// What every machine can compute.
#if !defined(__aarch64__)
#define FORM portable
#include "Kernels.h"
#endif
