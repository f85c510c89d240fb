// A stand-in for a CUDA device, for tests on machines without one.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// Makes the first CUDA device available to this process, for good: tensors on it lie in main memory and libtorch's CPU kernels compute,
// but an operation on tensors of two devices fails, as on the real one.
void stand_in_cuda_install(void);

#ifdef __cplusplus
}
#endif
