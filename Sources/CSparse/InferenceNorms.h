// Norms of single examples, and pixels in other places (CSparseInference.h).

// The values e ..< e + 16 of a row that ends at `run`; 0 beyond.
INLINE lanes row_part(const float *row, uint32_t e, uint32_t run) {
  lanes v = (lanes)0;
  __builtin_memcpy(&v, row + e, run - e < 16 ? (run - e) * sizeof *row : sizeof v);
  return v;
}
INLINE void put_row_part(float *row, uint32_t e, uint32_t run, lanes v) {
  __builtin_memcpy(row + e, &v, run - e < 16 ? (run - e) * sizeof *row : sizeof v);
}

// With 16 lanes each lane is an example with a sum of its own; otherwise all are one.
INLINE lanes summed(const cs_map *map, lanes sum) { return map->lanes == 16 ? sum : (lanes)total(sum); }

INLINE void group_norm(const cs_norm_step *s, cs_share share) {
  const cs_map *x = &s->x, *y = &s->y;
  const uint32_t size = y->channels / s->groups, run = y->width * y->lanes, pixels = y->height * y->width;
  for (uint32_t k = share.from; k < share.to; ++k) {
    const uint32_t first = k / s->groups * y->channels + k % s->groups * size;
    lanes sum = (lanes)0;
    for (uint32_t c = 0; c < size; ++c) for (uint32_t i = 0; i < y->height; ++i) for (uint32_t e = 0; e < run; e += 16) {
      sum += row_part(channel_of(x, first + c) + i * x->row, e, run);
    }
    const lanes mean = summed(y, sum) / s->count;
    sum = (lanes)0;
    for (uint32_t c = 0; c < size; ++c) for (uint32_t i = 0; i < y->height; ++i) for (uint32_t e = 0; e < run; e += 16) {
      const lanes d = row_part(channel_of(x, first + c) + i * x->row, e, run) - mean;
      const integers place = (integers){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + (int32_t)e;
      sum += place < (integers)(int32_t)run ? d * d : (lanes)0;
    }
    // Values that are not there are 0, and so as far from the mean as the mean is from 0.
    const lanes variance = (summed(y, sum) + (s->count - (float)size * (float)pixels) * mean * mean) / s->count;
    const lanes factor = (lanes)1 / __builtin_elementwise_sqrt(variance + s->epsilon);
    for (uint32_t c = 0; c < size; ++c) {
      const uint32_t channel = k % s->groups * size + c;
      const lanes scale = s->scale ? factor * s->scale[channel] : factor, shift = (lanes)(s->shift ? s->shift[channel] : 0);
      for (uint32_t i = 0; i < y->height; ++i) for (uint32_t e = 0; e < run; e += 16) {
        const lanes v = row_part(channel_of(x, first + c) + i * x->row, e, run);
        put_row_part(channel_of(y, first + c) + i * y->row, e, run, (v - mean) * scale + shift);
      }
    }
  }
}

INLINE lanes power_of(lanes x, float exponent) {
  if (exponent == 0.75f) {
    const lanes root = __builtin_elementwise_sqrt(x);
    return root * __builtin_elementwise_sqrt(root);
  }
  for (int i = 0; i < 16; ++i) x[i] = __builtin_powf(x[i], exponent);
  return x;
}

// Over the channels of 16 values of a row at once.
INLINE void across_channels(const cs_norm_step *s, const float *x, float *y, uint32_t e, uint32_t run) {
  const uint32_t channels = s->y.channels;
#define CS_AT(C) row_part(x + (size_t)(C) * s->x.channel, e, run)
#define CS_PUT(C, V) put_row_part(y + (size_t)(C) * s->y.channel, e, run, V)
  if (s->kind == CS_CHANNEL_NORM) {
    lanes sum = (lanes)0, squares = (lanes)0;
    for (uint32_t c = 0; c < channels; ++c) sum += CS_AT(c);
    const lanes mean = sum / s->count;
    for (uint32_t c = 0; c < channels; ++c) {
      const lanes d = CS_AT(c) - mean;
      squares += d * d;
    }
    const lanes variance = (squares + (s->count - (float)channels) * mean * mean) / s->count;
    const lanes factor = (lanes)1 / __builtin_elementwise_sqrt(variance + s->epsilon);
    for (uint32_t c = 0; c < channels; ++c) {
      CS_PUT(c, (CS_AT(c) - mean) * (s->scale ? factor * s->scale[c] : factor) + (s->shift ? s->shift[c] : 0));
    }
  } else if (s->kind == CS_SOFTMAX) {
    lanes largest = CS_AT(0), sum = (lanes)0;
    for (uint32_t c = 1; c < channels; ++c) {
      const lanes v = CS_AT(c);
      largest = v > largest ? v : largest;
    }
    for (uint32_t c = 0; c < channels; ++c) {
      const lanes power = exponential(CS_AT(c) - largest);
      sum += power;
      CS_PUT(c, power);
    }
    const lanes share = (lanes)1 / sum;
    for (uint32_t c = 0; c < channels; ++c) CS_PUT(c, row_part(y + (size_t)c * s->y.channel, e, run) * share);
  } else {
    for (uint32_t c = 0; c < channels; ++c) {
      const uint32_t before = s->size / 2, after = (s->size - 1) / 2;
      lanes squares = (lanes)0;
      for (uint32_t n = c < before ? 0 : c - before; n < channels && n <= c + after; ++n) {
        const lanes v = CS_AT(n);
        squares += v * v;
      }
      CS_PUT(c, CS_AT(c) / power_of(squares * (s->alpha / (float)s->size) + s->k, s->beta));
    }
  }
#undef CS_AT
#undef CS_PUT
}

static void CS_NAMED(norm_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_norm_step *s = step;
  if (s->kind == CS_GROUP_NORM) return group_norm(s, part_of(s->y.groups * s->groups, member, members));
  const cs_share rows = part_of(s->y.groups * s->y.height, member, members);
  const uint32_t run = s->y.width * s->y.lanes;
  for (uint32_t k = rows.from; k < rows.to; ++k) {
    const size_t group = k / s->y.height, i = k % s->y.height;
    for (uint32_t e = 0; e < run; e += 16) {
      across_channels(
          s, s->x.values + group * s->x.group + i * s->x.row, s->y.values + group * s->y.group + i * s->y.row, e, run);
    }
  }
}

static void CS_NAMED(resample_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_resample_step *s = step;
  const uint32_t n = s->y.lanes;
  const cs_share share = part_of(s->y.groups * s->y.channels, member, members);
  for (uint32_t k = share.from; k < share.to; ++k) {
    const float *x = channel_of(&s->x, k), token = s->token ? s->token[k % s->y.channels] : 0;
    const ptrdiff_t *at = s->at;
    const float *shares = s->shares;
    for (uint32_t i = 0; i < s->y.height; ++i) {
      float *y = channel_of(&s->y, k) + i * s->y.row;
      for (uint32_t j = 0; j < s->y.width; ++j, y += n) {
        if (n == 16) {
          lanes sum = (lanes)0;
          for (uint32_t t = 0; t < s->taps; ++t, ++at) {
            const lanes v = *at >= 0 ? *(const lanes *)(x + *at) : (lanes)token;
            sum = shares ? sum + v * *shares++ : v;
          }
          *(lanes *)y = sum;
        } else if (!shares) {
          *y = *at >= 0 ? x[*at] : token;
          at += s->taps;
        } else {
          float sum = 0;
          for (uint32_t t = 0; t < s->taps; ++t, ++at) sum += (*at >= 0 ? x[*at] : token) * *shares++;
          *y = sum;
        }
      }
    }
  }
}

static void CS_NAMED(offset_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_offset_step *s = step;
  const uint32_t n = s->y.lanes, pixels = s->y.height * s->y.width;
  const cs_share share = part_of(s->y.groups * s->y.channels, member, members);
  for (uint32_t k = share.from; k < share.to; ++k) {
    const float *numbers = s->numbers + (size_t)(k % s->y.channels) * pixels;
    for (uint32_t p = 0; p < pixels; ++p) {
      const float *x = channel_of(&s->x, k) + p / s->y.width * s->x.row + (size_t)(p % s->y.width) * n;
      float *y = channel_of(&s->y, k) + p / s->y.width * s->y.row + (size_t)(p % s->y.width) * n;
      for (uint32_t e = 0; e < n; ++e) y[e] = x[e] + numbers[p];
    }
  }
}
