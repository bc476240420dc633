/* Neurons over all timesteps (Eq. 2), with the batch norm of their currents, and the gradients.

   z = sum over currents of (scale x + shift), plus the spikes of a shortcut, if there is one. */

/* Neurons are done in blocks of pixels, one group of channels after another and timestep after
   timestep: all of a block stays in the processor's cache, and memory is read in long runs. */
#ifndef NEURONS_C
#define NEURONS_C

enum { BLOCK = 32 };

/* A group of channels of a block of pixels in an image. */
typedef struct {
  int64_t pixel;
  int pixels, channel, lanes;
} Block;

#define FOR_BLOCKS(n, call)                                                                    \
  for (int64_t pixel = 0; pixel < (n)->pixels; pixel += BLOCK) {                               \
    int pixels = MIN(BLOCK, (n)->pixels - pixel);                                              \
    for (int channel = 0; channel < (n)->channels; channel += GROUP) {                         \
      int rest = (n)->channels - channel;                                                      \
      if (rest >= GROUP) call(((Block){pixel, pixels, channel, GROUP}));                       \
      else if (rest == 8) call(((Block){pixel, pixels, channel, 8}));                          \
      else call(((Block){pixel, pixels, channel, rest}));                                      \
    }                                                                                          \
  }

/* Where the block's first byte is in the bits of all images. */
INLINE int64_t byte_of(const Neurons *n, Block block, int64_t image) {
  return (image * n->pixels + block.pixel) * BYTES(n->channels) + block.channel / 8;
}

INLINE int64_t image_of(const Neurons *n, int t, int64_t sample) { return (int64_t)t * n->samples + sample; }

#endif

/* Where the block's first value is in a current [samples, pixels, channels]. */
#define PLACE(n, block, sample) (((int64_t)(sample) * (n)->pixels + (block).pixel) * (n)->channels + (block).channel)

/* The charge of the block's pixel p at timestep t. `place` and `byte` are those of its first one. */
INLINE Group NAME(charge)(const Neurons *n, const Current *currents, const uint8_t *shortcut, int t, int64_t place, int64_t byte, int p, int channel, int lanes, int count) {
  Group z = {0};
  for (int i = 0; i < count; i++) {
    const Current *c = currents + i;
    int at = t * n->channels + channel;
    Group x = NAME(load)((const REAL *)c->x + t * c->step + place + (int64_t)p * n->channels, lanes);
    z += x * NAME(load)((const REAL *)c->scale + at, lanes) + NAME(load)((const REAL *)c->shift + at, lanes);
  }
  if (shortcut) z += NAME(values)(shortcut + byte + p * BYTES(n->channels), lanes);
  return z;
}

/* The surrogate derivative of a spike at h - 1. */
INLINE Group NAME(slope)(Group u, int surrogate) {
  if (surrogate == ATAN) {
    Group scaled = (REAL)3.14159265358979323846 * u;
    return 1 / (1 + scaled * scaled);
  }
  Group falling = NAME(where)(u >= 0, 1 - u), rising = NAME(where)(u < 0, 1 + u);
  Group slope = falling + rising;
  return NAME(where)(slope > 0, slope);
}

/* The bits of a group's neurons whose spikes have a gradient. */
INLINE void NAME(near_group)(Group h, int surrogate, uint8_t *bits, int lanes) {
  NAME(fire_group)(NAME(where)(NAME(slope)(h - 1, surrogate) > 0, (Group){0} + 1), bits, lanes);
}

/* One timestep of a block. */
INLINE void NAME(step)(const Neurons *n, const Current *currents, const uint8_t *shortcut, Group *potential, uint8_t *spikes, uint8_t *near, Block block, int t, int64_t place, int64_t byte, int lanes, int count) {
  REAL decay = n->decay, gain = n->gain;
  for (int p = 0; p < block.pixels; p++) {
    Group h = decay * potential[p] + gain * NAME(charge)(n, currents, shortcut, t, place, byte, p, block.channel, lanes, count);
    potential[p] = NAME(where)(h < 1, h);
    NAME(fire_group)(h, spikes + byte + p * BYTES(n->channels), lanes);
    if (near) NAME(near_group)(h, n->surrogate, near + byte + p * BYTES(n->channels), lanes);
  }
}

INLINE void NAME(fire_block)(const Neurons *n, const Current *currents, const uint8_t *shortcut, uint8_t *spikes, uint8_t *near, Block block, int64_t sample, int lanes, int count) {
  Group potential[BLOCK] = {0};
  for (int t = 0; t < n->timesteps; t++) {
    int64_t byte = byte_of(n, block, image_of(n, t, sample));
    NAME(step)(n, currents, shortcut, potential, spikes, near, block, t, PLACE(n, block, sample), byte, lanes, count);
  }
}

INLINE void NAME(fire_all)(const Neurons *n, const Current *currents, const uint8_t *shortcut, uint8_t *spikes, uint8_t *near, int first, int last, int count) {
  for (int sample = first; sample < last; sample++) {
#define FIRE(block) NAME(fire_block)(n, currents, shortcut, spikes, near, block, sample, block.lanes, count)
    FOR_BLOCKS(n, FIRE)
#undef FIRE
  }
}

/* Spikes of samples [first, last) at all timesteps; if `near` is given, also which neurons are near
   their threshold. */
void NAME(fire)(const Neurons *n, const Current *currents, const uint8_t *shortcut, uint8_t *spikes, uint8_t *near, int64_t first, int64_t last) {
  if (near) NAME(fire_all)(n, currents, shortcut, spikes, near, first, last, n->currents);
  else if (n->currents == 1) NAME(fire_all)(n, currents, shortcut, spikes, NULL, first, last, 1);
  else NAME(fire_all)(n, currents, shortcut, spikes, NULL, first, last, n->currents);
}

/* What the gradient of one sample needs: sums over its pixels. */
typedef struct {
  REAL *bias;         /* [T, channels]: the gradient of z */
  REAL *slopes[2];    /* [T, channels]: the same times the normalised current, for each current */
} NAME(Sums);

INLINE void NAME(accumulate)(REAL *sum, Group value, int lanes) {
  NAME(store)(sum, NAME(load)(sum, lanes) + value, lanes);
}

/* A block's potentials h and what charges them, z - v, at all timesteps [T, BLOCK]. */
INLINE void NAME(again)(const Neurons *n, const Current *currents, const uint8_t *shortcut, Group *potentials, Group *charges, Block block, int64_t sample, int lanes, int count) {
  REAL decay = n->decay, gain = n->gain;
  int64_t place = PLACE(n, block, sample);
  Group v[BLOCK] = {0};
  for (int t = 0; t < n->timesteps; t++, potentials += BLOCK, charges += BLOCK) {
    int64_t byte = byte_of(n, block, image_of(n, t, sample));
    for (int p = 0; p < block.pixels; p++) {
      Group z = NAME(charge)(n, currents, shortcut, t, place, byte, p, block.channel, lanes, count);
      potentials[p] = decay * v[p] + gain * z;
      charges[p] = z - v[p];
      v[p] = NAME(where)(potentials[p] < 1, potentials[p]);
    }
  }
}

/* A block backward through time; the reset is detached. `memory` has room for 2 x T x BLOCK. Returns
   the gradient of the gain, where decay = 1 - gain. */
INLINE double NAME(back_block)(const Neurons *n, const Current *currents, const uint8_t *shortcut, const REAL *gradient, REAL *out, NAME(Sums) sums, Group *memory, Block block, int64_t sample, int lanes, int count, int surrogate) {
  REAL decay = n->decay, gain = n->gain;
  int64_t place = PLACE(n, block, sample), step = (int64_t)n->samples * n->pixels * n->channels;
  Group flow[BLOCK] = {0}, total = {0};
  Group *potentials = memory, *charges = memory + n->timesteps * BLOCK;
  NAME(again)(n, currents, shortcut, potentials, charges, block, sample, lanes, count);
  for (int t = n->timesteps - 1; t >= 0; t--) {
    int at = t * n->channels + block.channel;
    Group bias = {0}, slopes[2] = {{0}, {0}};
    for (int p = 0; p < block.pixels; p++) {
      int64_t here = place + (int64_t)p * n->channels;
      Group h = potentials[t * BLOCK + p];
      Group g = NAME(load)(gradient + t * step + here, lanes) * NAME(slope)(h - 1, surrogate) + NAME(where)(h < 1, flow[p]);
      total += g * charges[t * BLOCK + p];
      flow[p] = decay * g;
      g *= gain;
      NAME(store)(out + t * step + here, g, lanes);
      bias += g;
      for (int i = 0; i < count; i++) slopes[i] += g * NAME(load)((const REAL *)currents[i].x + t * currents[i].step + here, lanes);
    }
    NAME(accumulate)(sums.bias + at, bias, lanes);
    for (int i = 0; i < count; i++) {
      Group mean = NAME(load)((const REAL *)currents[i].mean + at, lanes);
      Group inverse = NAME(load)((const REAL *)currents[i].inverse + at, lanes);
      NAME(accumulate)(sums.slopes[i] + at, (slopes[i] - bias * mean) * inverse, lanes);
    }
  }
  double sum = 0;
  for (int i = 0; i < lanes; i++) sum += total[i];
  return sum;
}

INLINE void NAME(back_all)(const Neurons *n, const Current *currents, const uint8_t *shortcut, const REAL *gradient, REAL *out, REAL *sums, double *gains, int first, int last, int count, int surrogate) {
  int64_t size = (int64_t)n->timesteps * n->channels;
  Group *memory = aligned_alloc(64, 2 * n->timesteps * BLOCK * sizeof(Group));
  for (int sample = first; sample < last; sample++) {
    REAL *own = sums + sample * (1 + count) * size;
    memset(own, 0, (1 + count) * size * sizeof(REAL));
    NAME(Sums) parts = {own, {own + size, own + 2 * size}};
    double gain = 0;
#define BACK(block) \
  gain += NAME(back_block)(n, currents, shortcut, gradient, out, parts, memory, block, sample, block.lanes, count, surrogate)
    FOR_BLOCKS(n, BACK)
#undef BACK
    gains[sample] = gain;
  }
  free(memory);
}

/* Gradient `out` of z, given that of the spikes; both may be the same memory. Of each sample also
   its sums [1 + currents, T, channels] and the gradient of the gain. At most two currents. */
void NAME(fire_gradient)(const Neurons *n, const Current *currents, const uint8_t *shortcut, const REAL *gradient, REAL *out, REAL *sums, double *gains, int64_t first, int64_t last) {
#define BACK(count, surrogate) NAME(back_all)(n, currents, shortcut, gradient, out, sums, gains, first, last, count, surrogate)
  if (n->surrogate == ATAN) {
    if (n->currents == 1) BACK(1, ATAN);
    else BACK(2, ATAN);
  } else if (n->currents == 1) BACK(1, TRIANGLE);
  else BACK(2, TRIANGLE);
#undef BACK
}
