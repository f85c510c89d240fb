#include "include/CSparse.h"

extern const cs_kernels cs_kernels_portable, cs_kernels_neon, cs_kernels_avx2, cs_kernels_avx512;

const cs_kernels *cs_kernels_of_form(int32_t form) {
  switch (form) {
#if defined(__aarch64__)
    case CS_NEON: return &cs_kernels_neon;
#else
    case CS_PORTABLE: return &cs_kernels_portable;
#endif
#if defined(__x86_64__)
    case CS_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") ? &cs_kernels_avx2 : NULL;
    case CS_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2")
                 ? &cs_kernels_avx512
                 : NULL;
#endif
    default: return NULL;
  }
}

extern const cs_inference cs_inference_portable, cs_inference_neon, cs_inference_avx2, cs_inference_avx512;

const cs_inference *cs_inference_of_form(int32_t form) {
  if (!cs_kernels_of_form(form)) return NULL;
  switch (form) {
#if defined(__aarch64__)
    case CS_NEON: return &cs_inference_neon;
#else
    case CS_PORTABLE: return &cs_inference_portable;
#endif
#if defined(__x86_64__)
    case CS_AVX2: return &cs_inference_avx2;
    case CS_AVX512: return &cs_inference_avx512;
#endif
    default: return NULL;
  }
}

extern const cs_convolutions cs_convolutions_portable, cs_convolutions_neon, cs_convolutions_avx2, cs_convolutions_avx512;

const cs_convolutions *cs_convolutions_of_form(int32_t form) {
  if (!cs_kernels_of_form(form)) return NULL;
  switch (form) {
#if defined(__aarch64__)
    case CS_NEON: return &cs_convolutions_neon;
#else
    case CS_PORTABLE: return &cs_convolutions_portable;
#endif
#if defined(__x86_64__)
    case CS_AVX2: return &cs_convolutions_avx2;
    case CS_AVX512: return &cs_convolutions_avx512;
#endif
    default: return NULL;
  }
}

void cs_collect(const float *dense, const uint32_t *positions, size_t count, float *values) {
  for (size_t i = 0; i < count; ++i) values[i] = dense[positions[i]];
}

void cs_distribute(const float *values, const uint32_t *positions, size_t count, float *dense) {
  for (size_t i = 0; i < count; ++i) dense[positions[i]] = values[i];
}

#if defined(__x86_64__)
// Bits 15 and 6 of MXCSR: results and operands that are denormal count as 0.
uint64_t cs_denormals_flush(void) {
  const uint32_t mode = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(mode | 0x8040);
  return mode;
}
void cs_denormals_restore(uint64_t mode) { __builtin_ia32_ldmxcsr((uint32_t)mode); }
#elif defined(__aarch64__)
// Bit 24 of FPCR, for both.
uint64_t cs_denormals_flush(void) {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  __asm__ volatile("msr fpcr, %0" : : "r"(mode | (1ull << 24)));
  return mode;
}
void cs_denormals_restore(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
uint64_t cs_denormals_flush(void) { return 0; }
void cs_denormals_restore(uint64_t mode) { (void)mode; }
#endif

cs_step cs_step_sgd(double learning_rate, double momentum, double weight_decay, int32_t nesterov) {
  return (cs_step){
    .kind = CS_SGD, .size = learning_rate, .beta1 = momentum, .decay = weight_decay, .direct = nesterov ? 1 : 0,
    .moving = nesterov ? momentum : 1};
}

cs_step cs_step_adam(
    double learning_rate, double beta1, double beta2, double epsilon, double weight_decay, int32_t decoupled, int64_t number) {
  return (cs_step){
    .kind = weight_decay == 0 ? CS_ADAM : CS_ADAM_WITH_DECAY,
    .beta1 = beta1,
    .beta2 = beta2,
    .rest1 = 1 - beta1,
    .rest2 = 1 - beta2,
    .epsilon = epsilon,
    .size = learning_rate / (1 - __builtin_pow(beta1, number)),
    .root = 1 / __builtin_sqrt(1 - __builtin_pow(beta2, number)),
    .shrink = decoupled ? 1 - learning_rate * weight_decay : 1,
    .decay = decoupled ? 0 : weight_decay};
}
