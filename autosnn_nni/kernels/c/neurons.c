/* Neurons over all timesteps (Eq. 2), with the batch norm of their currents, and the gradients.

   z = sum over currents of (scale x + shift), plus the spikes of a shortcut, if there is one. */

/* The current of eight neurons at timestep t; `at` is their place in an image. */
INLINE Eight NAME(charge)(const Neurons *n, const Current *currents, const uint8_t *shortcut, int t, int sample, int64_t pixel, int b, int lanes, int count) {
  int channel = b * 8;
  int64_t place = ((int64_t)sample * n->pixels + pixel) * n->channels + channel;
  Eight z = {0};
  for (int i = 0; i < count; i++) {
    const Current *c = currents + i;
    int at = t * n->channels + channel;
    Eight x = NAME(load)((const REAL *)c->x + t * c->step + place, lanes);
    z += x * NAME(load)((const REAL *)c->scale + at, lanes) + NAME(load)((const REAL *)c->shift + at, lanes);
  }
  if (shortcut) {
    int64_t image = (int64_t)t * n->samples + sample;
    z += NAME(values)(shortcut[(image * n->pixels + pixel) * BYTES(n->channels) + b]);
  }
  return z;
}

/* Spikes of samples [first, last) at all timesteps. */
INLINE void NAME(fire_all)(const Neurons *n, const Current *currents, const uint8_t *shortcut, uint8_t *spikes, int first, int last, int count) {
  int bytes = BYTES(n->channels);
  REAL decay = n->decay, gain = n->gain;
  for (int sample = first; sample < last; sample++)
    for (int64_t pixel = 0; pixel < n->pixels; pixel++)
      for (int b = 0; b < bytes; b++) {
        int lanes = MIN(8, n->channels - b * 8);
        uint8_t used = 0xff >> (8 - lanes);
        Eight v = {0};
        for (int t = 0; t < n->timesteps; t++) {
          Eight z = lanes == 8 ? NAME(charge)(n, currents, shortcut, t, sample, pixel, b, 8, count)
                               : NAME(charge)(n, currents, shortcut, t, sample, pixel, b, lanes, count);
          Eight h = decay * v + gain * z;
          v = NAME(where)(h < 1, h);
          int64_t image = (int64_t)t * n->samples + sample;
          spikes[(image * n->pixels + pixel) * bytes + b] = NAME(fired)(h) & used;
        }
      }
}

void NAME(fire)(const Neurons *n, const Current *currents, const uint8_t *shortcut, uint8_t *spikes, int64_t first, int64_t last) {
  if (n->currents == 1) NAME(fire_all)(n, currents, shortcut, spikes, first, last, 1);
  else NAME(fire_all)(n, currents, shortcut, spikes, first, last, n->currents);
}

/* The surrogate derivative of a spike at h - 1. */
INLINE Eight NAME(slope)(Eight u, int surrogate) {
  if (surrogate == ATAN) {
    Eight scaled = (REAL)3.14159265358979323846 * u;
    return 1 / (1 + scaled * scaled);
  }
  Eight falling = NAME(where)(u >= 0, 1 - u), rising = NAME(where)(u < 0, 1 + u);
  Eight slope = falling + rising;
  return NAME(where)(slope > 0, slope);
}

/* What the gradient of one sample needs: sums over its pixels. */
typedef struct {
  REAL *bias;         /* [T, channels]: the gradient of z */
  REAL *slopes[2];    /* [T, channels]: the same times the normalised current, for each current */
} NAME(Sums);

INLINE void NAME(accumulate)(REAL *sum, Eight value, int lanes) {
  NAME(store)(sum, NAME(load)(sum, lanes) + value, lanes);
}

/* One byte's neurons: their potentials once more, then backward through time. The reset is
   detached. `memory` has 3 x timesteps. Returns the gradient of the gain where decay = 1 - gain. */
INLINE Eight NAME(back)(const Neurons *n, const Current *currents, const uint8_t *shortcut, const REAL *gradient, REAL *out, NAME(Sums) sums, Eight *memory, int sample, int64_t pixel, int b, int lanes, int count, int surrogate) {
  REAL decay = n->decay, gain = n->gain;
  int timesteps = n->timesteps, channel = b * 8;
  int64_t place = ((int64_t)sample * n->pixels + pixel) * n->channels + channel;
  int64_t step = (int64_t)n->samples * n->pixels * n->channels;
  Eight v = {0}, total = {0}, flow = {0};
  Eight *potential = memory, *charged = memory + timesteps;
  for (int t = 0; t < timesteps; t++) {
    Eight z = NAME(charge)(n, currents, shortcut, t, sample, pixel, b, lanes, count);
    Eight h = decay * v + gain * z;
    potential[t] = h;
    charged[t] = z - v;
    v = NAME(where)(h < 1, h);
  }
  for (int t = timesteps - 1; t >= 0; t--) {
    Eight h = potential[t];
    Eight g = NAME(load)(gradient + t * step + place, lanes) * NAME(slope)(h - 1, surrogate) + NAME(where)(h < 1, flow);
    total += g * charged[t];
    flow = decay * g;
    g *= gain;
    NAME(store)(out + t * step + place, g, lanes);
    int at = t * n->channels + channel;
    NAME(accumulate)(sums.bias + at, g, lanes);
    for (int i = 0; i < count; i++) {
      const Current *c = currents + i;
      Eight x = NAME(load)((const REAL *)c->x + t * c->step + place, lanes);
      x = (x - NAME(load)((const REAL *)c->mean + at, lanes)) * NAME(load)((const REAL *)c->inverse + at, lanes);
      NAME(accumulate)(sums.slopes[i] + at, g * x, lanes);
    }
  }
  return total;
}

INLINE void NAME(back_all)(const Neurons *n, const Current *currents, const uint8_t *shortcut, const REAL *gradient, REAL *out, REAL *sums, double *gains, int first, int last, int count, int surrogate) {
  int64_t size = (int64_t)n->timesteps * n->channels;
  Eight *memory = aligned_alloc(64, (2 * n->timesteps * sizeof(Eight) + 63) / 64 * 64);
  for (int sample = first; sample < last; sample++) {
    REAL *own = sums + sample * (1 + count) * size;
    memset(own, 0, (1 + count) * size * sizeof(REAL));
    NAME(Sums) parts = {own, {own + size, own + 2 * size}};
    double gain = 0;
    for (int64_t pixel = 0; pixel < n->pixels; pixel++)
      for (int b = 0; b < BYTES(n->channels); b++) {
        int lanes = MIN(8, n->channels - b * 8);
        Eight total = lanes == 8
          ? NAME(back)(n, currents, shortcut, gradient, out, parts, memory, sample, pixel, b, 8, count, surrogate)
          : NAME(back)(n, currents, shortcut, gradient, out, parts, memory, sample, pixel, b, lanes, count, surrogate);
        for (int i = 0; i < lanes; i++) gain += total[i];
      }
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

/* Mean [sample, T, channels] of each sample's currents over its pixels, and the sum of the squared
   distances from it. */
void NAME(moments)(const Neurons *n, const Current *current, REAL *means, REAL *squares, int64_t first, int64_t last) {
  for (int sample = first; sample < last; sample++)
    for (int t = 0; t < n->timesteps; t++) {
      const REAL *x = (const REAL *)current->x + t * current->step + (int64_t)sample * n->pixels * n->channels;
      int64_t at = ((int64_t)sample * n->timesteps + t) * n->channels;
      REAL *mean = means + at, *square = squares + at;
      memset(mean, 0, n->channels * sizeof(REAL));
      memset(square, 0, n->channels * sizeof(REAL));
      for (int pixel = 0; pixel < n->pixels; pixel++) NAME(add)(mean, x + (int64_t)pixel * n->channels, n->channels);
      for (int c = 0; c < n->channels; c++) mean[c] /= n->pixels;
      for (int pixel = 0; pixel < n->pixels; pixel++)
        for (int c = 0; c < n->channels; c++) {
          REAL distance = x[(int64_t)pixel * n->channels + c] - mean[c];
          square[c] += distance * distance;
        }
    }
}

/* Gradient of a normalised current: scale (g - bias - slope x_normalised), where bias and slope
   [T, channels] are means over all that was normalised together, or 0. */
void NAME(normalise_gradient)(const Neurons *n, const Current *c, const REAL *gradient, const REAL *bias, const REAL *slope, REAL *out, int64_t first, int64_t last) {
  int64_t step = (int64_t)n->samples * n->pixels * n->channels;
  const REAL *scales = c->scale, *means = c->mean, *inverses = c->inverse;
  for (int t = 0; t < n->timesteps; t++) {
    REAL factor[n->channels], constant[n->channels];
    const REAL *scale = scales + t * n->channels;
    for (int i = 0; i < n->channels; i++) {
      int at = t * n->channels + i;
      factor[i] = slope[at] * inverses[at];
      constant[i] = bias[at] - factor[i] * means[at];
    }
    int64_t begin = first * n->pixels * n->channels, end = last * n->pixels * n->channels;
    const REAL *g = gradient + t * step, *x = (const REAL *)c->x + t * c->step;
    for (int64_t at = begin; at < end; at += n->channels)
      for (int i = 0; i < n->channels; i++)
        out[t * step + at + i] = scale[i] * (g[at + i] - constant[i] - factor[i] * x[at + i]);
  }
}
