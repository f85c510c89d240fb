#ifdef __linux__
#define _GNU_SOURCE  // for sched_getaffinity
#endif
#include "include/CSparse.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

// A count that threads wait to see grow, on cache lines of its own.
typedef struct {
  _Alignas(128) atomic_uint count, asleep;
  pthread_mutex_t mutex;
  pthread_cond_t grown;
} gate;

typedef struct {
  gate calls;
  cs_team *team;
  uint32_t number;
  pthread_t thread;
} member;

struct cs_team {
  gate phases;
  _Alignas(128) atomic_uint arrived;
  uint32_t count, working, started;
  void (*work)(void *, uint32_t, cs_team *);
  void *context;
  int ends;
  member *members;
};

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void open_gate(gate *gate) {
  pthread_mutex_init(&gate->mutex, NULL);
  pthread_cond_init(&gate->grown, NULL);
}

static void close_gate(gate *gate) {
  pthread_cond_destroy(&gate->grown);
  pthread_mutex_destroy(&gate->mutex);
}

// Looks, spinning, for some 20 µs whether the gate's count has grown beyond `count`; then lets others run between looks: the system puts
// two members on one core at times, and the one that is waited for cannot come while the other spins. At last sleeps, since somebody else
// may want the core; waking takes about as long as the step of a small network.
static void wait_at(gate *gate, uint32_t count) {
  for (int i = 0; i < 500; ++i) {
    if (atomic_load_explicit(&gate->count, memory_order_acquire) != count) return;
    relax();
  }
  for (int i = 0; i < 400; ++i) {
    if (atomic_load_explicit(&gate->count, memory_order_acquire) != count) return;
    sched_yield();
  }
  pthread_mutex_lock(&gate->mutex);
  atomic_fetch_add(&gate->asleep, 1);
  while (atomic_load(&gate->count) == count) pthread_cond_wait(&gate->grown, &gate->mutex);
  atomic_fetch_sub(&gate->asleep, 1);
  pthread_mutex_unlock(&gate->mutex);
}

static void pass(gate *gate) {
  atomic_fetch_add(&gate->count, 1);
  // A thread that is about to sleep holds the mutex from before it says so until it sleeps, and looks once more in between.
  if (atomic_load(&gate->asleep) == 0) return;
  pthread_mutex_lock(&gate->mutex);
  pthread_cond_broadcast(&gate->grown);
  pthread_mutex_unlock(&gate->mutex);
}

void cs_team_wait(cs_team *team) {
  if (team->working == 1) return;
  const uint32_t phase = atomic_load(&team->phases.count);
  if (atomic_fetch_add(&team->arrived, 1) + 1 < team->working) return wait_at(&team->phases, phase);
  atomic_store(&team->arrived, 0);
  pass(&team->phases);
}

static void *serve(void *argument) {
  member *own = argument;
  cs_team *team = own->team;
  cs_denormals_flush();
  for (uint32_t call = 0;; ++call) {
    wait_at(&own->calls, call);
    if (team->ends) return NULL;
    team->work(team->context, own->number, team);
    cs_team_wait(team);
  }
}

void cs_team_run(cs_team *team, void (*work)(void *, uint32_t, cs_team *), void *context) {
  team->work = work;
  team->context = context;
  for (uint32_t number = 1; number < team->working; ++number) pass(&team->members[number].calls);
  work(context, 0, team);
  cs_team_wait(team);
}

static void *zeroed(size_t size) {
  void *memory = NULL;
  if (posix_memalign(&memory, 128, size) != 0) return NULL;
  return __builtin_memset(memory, 0, size);
}

cs_team *cs_team_new(uint32_t count) {
  cs_team *team = zeroed(sizeof *team);
  if (!team) return NULL;
  team->count = team->working = count;
  open_gate(&team->phases);
  team->members = zeroed(count * sizeof *team->members);
  for (uint32_t number = 1; team->members && number < count; ++number) {
    member *own = &team->members[number];
    own->team = team;
    own->number = number;
    open_gate(&own->calls);
    if (pthread_create(&own->thread, NULL, serve, own) != 0) {
      close_gate(&own->calls);
      break;
    }
    team->started = number;
  }
  if (team->members && team->started + 1 == count) return team;
  cs_team_free(team);
  return NULL;
}

int32_t cs_team_pin(cs_team *team) {
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < (int)team->count) return 0;
  int processor = 0;
  while (!CPU_ISSET(processor, &allowed)) ++processor;
  for (uint32_t number = 1; number <= team->started; ++number) {
    do ++processor;
    while (!CPU_ISSET(processor, &allowed));
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(processor, &own);
    if (pthread_setaffinity_np(team->members[number].thread, sizeof own, &own) != 0) return 0;
  }
  return 1;
#else
  return 0;
#endif
}

void cs_team_free(cs_team *team) {
  team->ends = 1;
  for (uint32_t number = 1; number <= team->started; ++number) {
    member *own = &team->members[number];
    pass(&own->calls);
    pthread_join(own->thread, NULL);
    close_gate(&own->calls);
  }
  close_gate(&team->phases);
  free(team->members);
  free(team);
}

void cs_team_use(cs_team *team, uint32_t count) { team->working = count < 1 ? 1 : count < team->count ? count : team->count; }

uint32_t cs_team_count(const cs_team *team) { return team->working; }
