#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>
#include <pthread.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <torch/csrc/api/include/torch/version.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <stdexcept>

#include "Handle.hpp"
#include "Parallel.hpp"

namespace espalier {

static thread_local std::string last_error;
thread_local int64_t made = 0;

void set_error(const char *operation, const char *message) {
  try {
    last_error = std::string(operation) + ": " + message;
    // libtorch's longer messages have several lines; ours have one.
    while (!last_error.empty() && std::isspace(static_cast<unsigned char>(last_error.back()))) last_error.pop_back();
    std::replace(last_error.begin(), last_error.end(), '\n', ' ');
  } catch (...) {
    // Fits into the string itself, so that nothing is allocated.
    last_error = "out of memory";
  }
}

bool is_out_of_memory(const c10::Error &error) noexcept {
  return dynamic_cast<const c10::OutOfMemoryError *>(&error) != nullptr ||
         std::strstr(error.what_without_backtrace(), "DefaultCPUAllocator: ") != nullptr;
}

std::vector<at::Tensor> list(const ct_tensor *tensors, int32_t count) {
  std::vector<at::Tensor> values;
  values.reserve(count);
  for (int32_t i = 0; i < count; ++i) values.push_back(tensors[i] ? tensors[i]->value : at::Tensor());
  return values;
}

at::ScalarType scalar_type(int32_t type) {
  switch (type) {
    case CT_UINT8: return at::kByte;
    case CT_INT64: return at::kLong;
    case CT_FLOAT32: return at::kFloat;
    case CT_FLOAT64: return at::kDouble;
    case CT_BOOL: return at::kBool;
    case CT_INT32: return at::kInt;
    default: TORCH_CHECK(false, "unknown element type ", type);
  }
}

}  // namespace espalier

using namespace espalier;

const char *ct_error_message(void) { return last_error.c_str(); }
const char *ct_runtime_version(void) { return TORCH_VERSION; }

const char *ct_runtime_cpu_capability(void) {
  return guarded<const char *>("cpu_capability", "", [] {
    static const std::string name = at::get_cpu_capability();
    return name.c_str();
  });
}

// Throws unless the system can provide `count` more threads: without them libtorch waits forever, and OpenMP ends the process.
static void check_threads(size_t count) {
  struct Gate {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    std::vector<pthread_t> threads;
    static void *pass(void *gate) {
      auto *mutex = &static_cast<Gate *>(gate)->mutex;
      pthread_mutex_lock(mutex);
      pthread_mutex_unlock(mutex);
      return nullptr;
    }
  } gate;
  gate.threads.reserve(count);
  int problem = 0;
  // All threads exist at the same time.
  pthread_mutex_lock(&gate.mutex);
  while (gate.threads.size() < count) {
    pthread_t thread;
    problem = pthread_create(&thread, nullptr, Gate::pass, &gate);
    if (problem != 0) break;
    gate.threads.push_back(thread);
  }
  pthread_mutex_unlock(&gate.mutex);
  for (pthread_t thread : gate.threads) pthread_join(thread, nullptr);
  if (problem != 0) throw std::runtime_error(std::string("the system cannot create enough threads: ") + std::strerror(problem));
}

int ct_runtime_set_threads(int32_t count) {
  return effect("set_threads", [&] {
    // A pool of libtorch's own, and one of OpenMP's; the calling thread is part of both.
    check_threads(2 * static_cast<size_t>(std::max(count - 1, 0)));
    // A thread's first query returns whatever any thread set last, so it must query once before its own number is set.
    at::get_num_threads();
    at::set_num_threads(count);
  });
}

int32_t ct_runtime_threads(void) {
  return guarded<int32_t>("threads", 1, [] { return at::get_num_threads(); });
}

int ct_runtime_flush_denormals(int32_t enabled) {
  return effect("flush_denormals", [&] {
    at::globalContext().setFlushDenormal(enabled != 0);
    // The mode belongs to each thread: a grain of one per worker reaches all of them.
    const at::Tensor workers = at::empty({at::get_num_threads()}, at::kByte);
    parallel_elements(workers, 1, [&](int64_t, int64_t) { at::globalContext().setFlushDenormal(enabled != 0); });
  });
}

void ct_runtime_keep_memory(void) {
#ifdef __GLIBC__
  // 32 MiB is the largest threshold that glibc accepts, above which an allocation gets pages of its own.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
}

int32_t ct_runtime_set_gradients(int32_t enabled) {
  const bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(enabled != 0);
  return before;
}

int64_t ct_runtime_made(void) { return made; }

int32_t ct_runtime_gradients(void) { return at::GradMode::is_enabled(); }

int ct_runtime_load_cuda(const char *path) {
  return effect("load_cuda", [&] {
    std::string library = "libtorch_cuda.so";
    if (path) {
      library = path;
    } else {
      Dl_info info;
      if (dladdr(reinterpret_cast<void *>(&at::set_num_threads), &info) && info.dli_fname) {
        const std::string cpu = info.dli_fname;
        const auto slash = cpu.rfind('/');
        if (slash != std::string::npos) library = cpu.substr(0, slash + 1) + library;
      }
    }
    TORCH_CHECK(dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL), dlerror());
    TORCH_CHECK(at::globalContext().hasCUDA(), library, " is loaded, but no CUDA device answers");
    // Otherwise cuDNN may choose algorithms that add in another order each time.
    at::globalContext().setDeterministicCuDNN(true);
  });
}

int32_t ct_runtime_cuda_devices(void) {
  return guarded<int32_t>("cuda_devices", 0, [] {
    const auto *guard = c10::impl::device_guard_impl_registry[static_cast<size_t>(c10::DeviceType::CUDA)].load();
    return guard ? static_cast<int32_t>(guard->deviceCount()) : 0;
  });
}

const char *ct_runtime_cuda_name(void) {
  return guarded<const char *>("cuda_name", "", [] {
    static const std::string known = [] {
      char name[256] = "";
      // libtorch has no function for it outside of libtorch_cuda.so. The driver is loaded already, and its interface does not change.
      void *driver = ct_runtime_cuda_devices() > 0 ? dlopen("libcuda.so.1", RTLD_NOW) : nullptr;
      const auto get = driver ? reinterpret_cast<int (*)(int *, int)>(dlsym(driver, "cuDeviceGet")) : nullptr;
      const auto describe = driver ? reinterpret_cast<int (*)(char *, int, int)>(dlsym(driver, "cuDeviceGetName")) : nullptr;
      int device = 0;
      const bool found = get && describe && get(&device, 0) == 0 && describe(name, sizeof name, device) == 0;
      return std::string(found ? name : "");
    }();
    return known.c_str();
  });
}

int ct_runtime_synchronize(int32_t device) {
  return effect("synchronize", [&] {
    if (device != CT_CUDA) return;
    const auto *guard = c10::impl::getDeviceGuardImpl(c10::DeviceType::CUDA);
    guard->synchronizeDevice(0);
  });
}

ct_generator ct_generator_new(uint64_t seed) {
  return guarded<ct_generator>("generator", nullptr, [&] {
    return new ct_generator_s{at::make_generator<at::CPUGeneratorImpl>(seed)};
  });
}

void ct_generator_free(ct_generator generator) { delete generator; }

ct_tensor ct_generator_state(ct_generator generator) {
  return tensor("generator_state", [&] { return generator->value.get_state(); });
}

int ct_generator_set_state(ct_generator generator, ct_tensor state) {
  return effect("generator_set_state", [&] { generator->value.set_state(state->value); });
}
