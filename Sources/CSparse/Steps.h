// Optimizer steps, on whole vectors and on what is left of one. No products are fused with sums here, so that the steps round as the
// dense optimizers' of libtorch do.
#pragma clang fp contract(off)

#define CS_TAKE(NUMBER, ROOT)                                                                                                    \
  switch (kind) {                                                                                                                \
    case CS_STORE: *(NUMBER *)(p.gradient + i) = g; break;                                                                       \
    case CS_SGD: {                                                                                                               \
      const NUMBER w = *(NUMBER *)(p.weights + i), gradient = g + s->decay * w;                                                  \
      const NUMBER velocity = s->beta1 * *(NUMBER *)(p.first + i) + gradient;                                                    \
      *(NUMBER *)(p.first + i) = velocity;                                                                                       \
      *(NUMBER *)(p.weights + i) = w - s->size * (s->direct * gradient + s->moving * velocity);                                  \
      break;                                                                                                                     \
    }                                                                                                                            \
    default: {                                                                                                                   \
      NUMBER w = *(NUMBER *)(p.weights + i), gradient = g;                                                                       \
      if (kind == CS_ADAM_WITH_DECAY) w = w * s->shrink, gradient = g + s->decay * w;                                            \
      const NUMBER first = s->beta1 * *(NUMBER *)(p.first + i) + s->rest1 * gradient;                                            \
      const NUMBER second = s->beta2 * *(NUMBER *)(p.second + i) + s->rest2 * gradient * gradient;                               \
      *(NUMBER *)(p.first + i) = first, *(NUMBER *)(p.second + i) = second;                                                      \
      *(NUMBER *)(p.weights + i) = w - s->size * first / (ROOT(second) * s->root + s->epsilon);                                  \
    }                                                                                                                            \
  }

// Takes the step of elements i ..< i + 16 with gradient g.
INLINE void take_lanes(const int kind, const cs_step *s, cs_parameters p, size_t i, lanes g) {
  CS_TAKE(loose_lanes, __builtin_elementwise_sqrt)
}
INLINE void take_one(const int kind, const cs_step *s, cs_parameters p, size_t i, float g) { CS_TAKE(float, __builtin_sqrtf) }
#undef CS_TAKE

INLINE void take_range(const int kind, const cs_step *step, cs_parameters p, size_t from, size_t to) {
  for (; from + 16 <= to; from += 16) take_lanes(kind, step, p, from, *(const loose_lanes *)(p.gradient + from));
  for (; from < to; ++from) take_one(kind, step, p, from, p.gradient[from]);
}

// Expands BODY once for every kind of step, with `kind` a constant.
#define FOR_KIND(STEP, BODY)                                                     \
  switch ((STEP)->kind) {                                                        \
    case CS_STORE: { enum { kind = CS_STORE }; BODY; break; }                    \
    case CS_SGD: { enum { kind = CS_SGD }; BODY; break; }                        \
    case CS_ADAM: { enum { kind = CS_ADAM }; BODY; break; }                      \
    default: { enum { kind = CS_ADAM_WITH_DECAY }; BODY; break; }                \
  }

// The gradients of the elements stand in parameters.gradient.
static void CS_NAMED(take_, FORM)(const cs_step *step, cs_parameters parameters, size_t from, size_t to) {
  if (step->kind == CS_STORE) return;
  FOR_KIND(step, take_range(kind, step, parameters, from, to))
}

#pragma clang fp contract(fast)

static void CS_NAMED(bias_update_, FORM)(
    const uint16_t *rows, cs_share share, cs_panels dy, const cs_step *step, cs_parameters parameters) {
  for (uint32_t k = share.from; k < share.to; ++k) {
    const size_t row = rows[k];
    float gradient = 0;
    for (uint32_t panel = 0; panel < dy.count; ++panel) {
      const feature d = load(dy.values + panel * dy.distance, row);
      gradient += total((d.a + d.b) + (d.c + d.d));
    }
    FOR_KIND(step, take_one(kind, step, parameters, row, gradient))
  }
}
