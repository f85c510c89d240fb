// What a transposed convolution computed by phases, as an image (CSparseInference.h).

static void CS_NAMED(interleave_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_interleave_step *s = step;
  const cs_map *x = &s->x, *y = &s->y;
  const uint32_t n = y->lanes, size = y->channels / s->groups;
  const cs_share share = part_of(y->groups * y->channels, member, members);
  for (uint32_t k = share.from; k < share.to; ++k) {
    const uint32_t channel = k % y->channels;
    const float *first = x->values + k / y->channels * x->group +
                         ((size_t)(channel / size) * size * s->rows * s->columns + channel % size) * x->channel;
    for (uint32_t i = 0; i < y->height; ++i) {
      for (uint32_t phase = 0; phase < s->columns; ++phase) {
        const float *in = first + ((size_t)(i % s->rows) * s->columns + phase) * size * x->channel + i / s->rows * x->row;
        float *out = channel_of(y, k) + i * y->row;
        for (uint32_t j = phase; j < y->width; j += s->columns, in += n) {
          if (n == 16) {
            *(lanes *)(out + j * 16) = *(const lanes *)in;
          } else {
            out[j] = *in;
          }
        }
      }
    }
  }
}
