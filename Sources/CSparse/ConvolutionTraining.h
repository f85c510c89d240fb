// What training of pruned convolutions needs beside their forward pass (CSparseConvolution.h).

// --- The gradient of the kept weights ----------------------------------------------------------------------------------

// A tile of dy stays in registers while all weights of its output pass by, four at a time. The sums of a weight are added in the order of
// tiles, whichever member computes it.
INLINE void kept_gradient_tile(
    const int rows, const int columns, const cs_kept_gradient_step *s, const cs_tile *tile, uint32_t from, uint32_t to) {
  const cs_filters *f = &s->filters;
  const size_t unit = s->unit, x_row = s->x_row;
  for (uint32_t block = 0; block < f->blocks; ++block) {
    const uint32_t *starts = f->starts + (size_t)block * f->outputs;
    const float *x = s->x + tile->x + (size_t)f->bases[block] * unit;
    for (uint32_t o = from; o < to; ++o) {
      uint32_t i = starts[o];
      const uint32_t end = starts[o + 1];
      if (i == end) continue;
      const float *dy = s->dy + tile->y + (size_t)o * s->dy_channel;
      lanes d[4][8];
      UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) d[r][c] = loose(dy + r * s->dy_row + c * 16);
      for (; i + 4 <= end; i += 4) {
        lanes sum[4];
        UNROLLED for (int k = 0; k < 4; ++k) sum[k] = (lanes)0;
        const float *p[4];
        UNROLLED for (int k = 0; k < 4; ++k) p[k] = x + (size_t)f->offsets[i + k] * unit;
        UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) UNROLLED for (int k = 0; k < 4; ++k) {
          sum[k] += d[r][c] * loose(p[k] + r * x_row + c * 16);
        }
        const lanes all = totals(sum[0], sum[1], sum[2], sum[3]);
        UNROLLED for (int k = 0; k < 4; ++k) s->gradients[i + k] += all[4 * k];
      }
      for (; i < end; ++i) {
        const float *p = x + (size_t)f->offsets[i] * unit;
        lanes sum = (lanes)0;
        UNROLLED for (int r = 0; r < rows; ++r) UNROLLED for (int c = 0; c < columns; ++c) sum += d[r][c] * loose(p + r * x_row + c * 16);
        s->gradients[i] += total(sum);
      }
    }
  }
}

#define CS_KEPT_TILE(R, J) \
  case (R) * 16 + (J): \
    if ((R) * (J) <= GRADIENT_VECTORS) kept_gradient_tile(R, J, s, tile, from, to); \
    break;
#define CS_KEPT_TILES(R) \
  CS_KEPT_TILE(R, 1) CS_KEPT_TILE(R, 2) CS_KEPT_TILE(R, 3) CS_KEPT_TILE(R, 4) CS_KEPT_TILE(R, 5) CS_KEPT_TILE(R, 6) CS_KEPT_TILE(R, 7) \
  CS_KEPT_TILE(R, 8)

static void CS_NAMED(kept_gradient_, FORM)(const void *step, uint32_t member, uint32_t members) {
  (void)members;
  const cs_kept_gradient_step *s = step;
  const uint32_t from = s->shares[member], to = s->shares[member + 1];
  for (uint32_t t = 0; t < s->tile_count; ++t) {
    const cs_tile *tile = &s->tiles[t];
    switch (tile->rows * 16 + tile->columns) { CS_KEPT_TILES(1) CS_KEPT_TILES(2) CS_KEPT_TILES(4) default: break; }
  }
}

// --- Into maps and back ------------------------------------------------------------------------------------------------

INLINE float *turned_at(const cs_turned_map *m, uint32_t group, uint32_t channel) {
  return m->values + (m->margin + ((size_t)group * m->channels + channel) * m->channel) * 16;
}

// Zeros, also around the images, which lie between a map's rows and channels.
INLINE void cleared(float *from, size_t positions) { __builtin_memset(from, 0, positions * sizeof(lanes)); }

static void CS_NAMED(pack_rows_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_turn_rows_step *s = step;
  const cs_turned_map *m = &s->map;
  const uint32_t blocks = (s->channels + 15) / 16, parts = s->down * s->right;
  const size_t pixel = s->channels, example = (size_t)s->height * s->width * pixel;
  const cs_share share = part_of(m->groups * parts * blocks, member, members);
  if (member == 0) {
    cleared(m->values, m->margin);
    cleared(turned_at(m, m->groups, 0), m->margin + m->row);
  }
  for (uint32_t k = share.from; k < share.to; ++k) {
    const uint32_t first = k % blocks * 16, part = k / blocks % parts, group = k / blocks / parts;
    const uint32_t down = part / s->right, right = part % s->right;
    const uint32_t width = s->channels - first < 16 ? s->channels - first : 16;
    float *out = turned_at(m, group, part * s->channels + first);
    const size_t channel = m->channel * 16;
    const uint32_t present = present_of(s->count, group * 16, 16);
    for (uint32_t i = 0; i < m->height; ++i) {
      const uint32_t row = i * s->down + down;
      for (uint32_t j = 0; j < m->width; ++j) {
        const uint32_t column = j * s->right + right;
        lanes block[16];
        if (row < s->height && column < s->width) {
          const float *in = s->rows + (size_t)group * 16 * example + ((size_t)row * s->width + column) * pixel + first;
          if (width == 16 && present == 16) {
            UNROLLED for (int e = 0; e < 16; ++e) block[e] = loose(in + e * example);
            turn(block);
          } else {
            examples_turned(in, example, present, width, block);
          }
        } else {
          UNROLLED for (int e = 0; e < 16; ++e) block[e] = (lanes)0;
        }
        float *place = out + (i * m->row + j) * 16;
        if (width == 16) {
          UNROLLED for (int c = 0; c < 16; ++c) *(lanes *)(place + c * channel) = block[c];
        } else {
          for (uint32_t c = 0; c < width; ++c) *(lanes *)(place + c * channel) = block[c];
        }
      }
      for (uint32_t c = 0; c < width; ++c) cleared(out + c * channel + (i * m->row + m->width) * 16, m->row - m->width);
    }
    for (uint32_t c = 0; c < width; ++c) cleared(out + c * channel + m->height * m->row * 16, m->channel - m->height * m->row);
  }
}

static void CS_NAMED(unpack_rows_, FORM)(const void *step, uint32_t member, uint32_t members) {
  const cs_turn_rows_step *s = step;
  const cs_turned_map *m = &s->map;
  const uint32_t blocks = (s->channels + 15) / 16;
  const size_t pixel = s->channels, example = (size_t)s->height * s->width * pixel, channel = m->channel * 16;
  const cs_share share = part_of(m->groups * blocks, member, members);
  for (uint32_t k = share.from; k < share.to; ++k) {
    const uint32_t first = k % blocks * 16, group = k / blocks, width = s->channels - first < 16 ? s->channels - first : 16;
    const uint32_t present = present_of(s->count, group * 16, 16);
    for (uint32_t i = 0; i < s->height; ++i) {
      for (uint32_t j = 0; j < s->width; ++j) {
        const uint32_t part = i % s->down * s->right + j % s->right;
        const float *in = turned_at(m, group, part * s->channels + first) + (i / s->down * m->row + j / s->right) * 16;
        float *out = s->rows + (size_t)group * 16 * example + ((size_t)i * s->width + j) * pixel + first;
        lanes block[16];
        UNROLLED for (uint32_t c = 0; c < 16; ++c) block[c] = c < width ? *(const lanes *)(in + c * channel) : (lanes)0;
        turn(block);
        if (width == 16 && present == 16) {
          UNROLLED for (int e = 0; e < 16; ++e) *(loose_lanes *)(out + e * example) = block[e];
        } else {
          for (uint32_t e = 0; e < present; ++e) __builtin_memcpy(out + e * example, &block[e], width * sizeof *out);
        }
      }
    }
  }
}
