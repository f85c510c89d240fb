#include "include/CSparse.h"

#include <time.h>

double cs_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

typedef struct {
  const cs_stage *stages;
  uint32_t count;
} stages_context;

static void carry_out(void *argument, uint32_t member, cs_team *team) {
  const stages_context *context = argument;
  const uint32_t members = cs_team_count(team);
  for (uint32_t i = 0; i < context->count; ++i) {
    context->stages[i].run(context->stages[i].step, member, members);
    // The next step reads what others have written; after the last the team waits by itself.
    if (i + 1 < context->count) cs_team_wait(team);
  }
}

void cs_stages_run(cs_team *team, const cs_stage *stages, uint32_t count, uint32_t members) {
  const uint64_t mode = cs_denormals_flush();
  if (team) {
    stages_context context = {stages, count};
    cs_team_run(team, carry_out, &context);
  } else {
    for (uint32_t i = 0; i < count; ++i) {
      for (uint32_t member = 0; member < members; ++member) stages[i].run(stages[i].step, member, members);
    }
  }
  cs_denormals_restore(mode);
}
