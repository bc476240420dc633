/* Spikes as bits: pack, unpack, count, list, and pool. */

#ifndef SPIKES_C
#define SPIKES_C

typedef int32_t Indices __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint8_t Lanes __attribute__((vector_size(8), aligned(1), may_alias));

/* The numbers of a byte's bits that are set, then zeros. */
static uint8_t set_bits[256][8];

__attribute__((constructor)) static void fill_tables(void) {
  for (int byte = 0; byte < 256; byte++)
    for (int bit = 0, n = 0; bit < 8; bit++)
      if (byte >> bit & 1) set_bits[byte][n++] = bit;
}

/* A list of spikes has 12 bits for the channel, the others are the pixel's. */
enum { CHANNEL_BITS = 12, MAX_CHANNELS = 1 << CHANNEL_BITS };

INLINE int channel_of(int32_t spike) { return spike & (MAX_CHANNELS - 1); }
INLINE int pixel_of(int32_t spike) { return spike >> CHANNEL_BITS; }

/* Memory that a list of all spikes of `pixels` needs. */
INLINE int32_t *new_list(int64_t pixels, int channels) {
  return malloc((pixels * channels + 8) * sizeof(int32_t));
}

/* List the spikes of `pixels` in order, and where each pixel's begin (if `starts` is given). It
   writes all eight lanes of a byte and moves on by as many as are set, so that nothing branches. */
INLINE int list_spikes(const uint8_t *bits, int pixels, int bytes, int32_t *list, int32_t *starts, int n) {
  for (int pixel = 0; pixel < pixels; pixel++) {
    if (starts) starts[pixel] = n;
    for (int b = 0; b < bytes; b++, bits++) {
      Indices first = (Indices){0} + ((pixel << CHANNEL_BITS) + b * 8);
      *(Indices *)(list + n) = first + __builtin_convertvector(*(Lanes *)set_bits[*bits], Indices);
      n += __builtin_popcount(*bits);
    }
  }
  return n;
}

/* The window of a pool's output `o` along one side of the image: [*first, *last). */
INLINE void pool_window(const Pool *p, int o, int size, int *first, int *last) {
  int start = o * p->stride - p->padding;
  *first = MAX(0, start);
  *last = MIN(size, start + p->kernel);
}

#endif

/* Call a function for every group of a row's channels: its first channel, the number of its neurons,
   and its first byte. The usual numbers are constants to the compiler. */
#ifndef FOR_GROUPS
#define FOR_GROUPS(channels, call)                           \
  for (int c = 0; c < (channels); c += GROUP) {              \
    int rest = (channels) - c;                               \
    if (rest >= GROUP) call(c, GROUP, c / 8);                \
    else if (rest == 8) call(c, 8, c / 8);                   \
    else call(c, rest, c / 8);                               \
  }
#endif

/* Bits of values [rows, channels], each 0 or 1. */
void NAME(pack)(const REAL *x, uint8_t *bits, int64_t channels, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; row++) {
    const REAL *from = x + row * channels;
    uint8_t *to = bits + row * BYTES(channels);
#define PACK(channel, count, byte) NAME(fire_group)(NAME(load)(from + channel, count), to + byte, count)
    FOR_GROUPS(channels, PACK)
#undef PACK
  }
}

void NAME(unpack)(const uint8_t *bits, REAL *x, int64_t channels, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; row++) {
    const uint8_t *from = bits + row * BYTES(channels);
    REAL *to = x + row * channels;
#define UNPACK(channel, count, byte) NAME(store)(to + channel, NAME(values)(from + byte, count), count)
    FOR_GROUPS(channels, UNPACK)
#undef UNPACK
  }
}

#ifndef POOLED
#define POOLED

/* The values of the neurons, one bit each, that a pool passes on: the first spikes of their windows, or
   the first pixels if there is none, as in torch. Without `values` they are the spikes themselves. */
INLINE void pool_image(const Pool *p, const uint8_t *bits, const uint8_t *values, uint8_t *out) {
  int bytes = BYTES(p->channels);
  for (int oy = 0; oy < p->out_height; oy++)
    for (int ox = 0; ox < p->out_width; ox++, out += bytes) {
      int y0, y1, x0, x1;
      pool_window(p, oy, p->height, &y0, &y1);
      pool_window(p, ox, p->width, &x0, &x1);
      for (int b = 0; b < bytes; b++) {
        uint8_t found = 0, value = 0;
        for (int y = y0; y < y1; y++)
          for (int x = x0; x < x1; x++) {
            int at = (y * p->width + x) * bytes + b;
            if (values) value |= values[at] & bits[at] & ~found;
            found |= bits[at];
          }
        out[b] = values ? value | (values[(y0 * p->width + x0) * bytes + b] & ~found) : found;
      }
    }
}

#endif

/* Spikes of max-pooled images: a neuron's output is 1 if one of its window's is. If `near` is given,
   also which of them are passed on from neurons near their threshold. */
void NAME(pool)(const Pool *p, const uint8_t *bits, const uint8_t *near, uint8_t *out, uint8_t *out_near, int64_t first, int64_t last) {
  int64_t in_size = (int64_t)p->height * p->width * BYTES(p->channels);
  int64_t size = (int64_t)p->out_height * p->out_width * BYTES(p->channels);
  for (int64_t image = first; image < last; image++) {
    const uint8_t *in = bits + image * in_size;
    pool_image(p, in, NULL, out + image * size);
    if (near) pool_image(p, in, near + image * in_size, out_near + image * size);
  }
}

/* Gradient of a window's inputs, for one group of channels. It goes to the first spike, or to the first
   pixel if there is none, as in torch. `in` and `to` are the group's in the image's first pixel. */
INLINE void NAME(pool_group)(const Pool *p, const uint8_t *in, const REAL *gradient, REAL *to, int y0, int y1, int x0, int x1, int count) {
  Group rest = NAME(load)(gradient, count);
  for (int y = y0; y < y1; y++)
    for (int x = x0; x < x1; x++) {
      int64_t pixel = y * p->width + x;
      Group taken = rest * NAME(values)(in + pixel * BYTES(p->channels), count);
      REAL *at = to + pixel * p->channels;
      NAME(store)(at, NAME(load)(at, count) + taken, count);
      rest -= taken;
    }
  REAL *at = to + (int64_t)(y0 * p->width + x0) * p->channels;
  NAME(store)(at, NAME(load)(at, count) + rest, count);
}

/* Gradient of the pool's input. */
void NAME(pool_gradient)(const Pool *p, const uint8_t *bits, const REAL *gradient, REAL *out, int64_t first, int64_t last) {
  int64_t pixels = (int64_t)p->height * p->width, size = pixels * p->channels;
  for (int64_t image = first; image < last; image++) {
    const uint8_t *in = bits + image * pixels * BYTES(p->channels);
    REAL *to = out + image * size;
    memset(to, 0, size * sizeof(REAL));
    for (int oy = 0; oy < p->out_height; oy++)
      for (int ox = 0; ox < p->out_width; ox++) {
        const REAL *g = gradient + ((image * p->out_height + oy) * p->out_width + ox) * p->channels;
        int y0, y1, x0, x1;
        pool_window(p, oy, p->height, &y0, &y1);
        pool_window(p, ox, p->width, &x0, &x1);
#define POOL(channel, count, byte) NAME(pool_group)(p, in + byte, g + channel, to + channel, y0, y1, x0, x1, count)
        FOR_GROUPS(p->channels, POOL)
#undef POOL
      }
  }
}
