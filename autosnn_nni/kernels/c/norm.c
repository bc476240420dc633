/* Batch norm of currents: its constants, and its gradients. Sums over samples are made by one thread, in
   double precision, so they don't depend on the number of threads. */

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

/* The constants [4, T, channels] of a timestep: scale, shift, mean and inverse. */
INLINE void NAME(set_constants)(const Neurons *n, const Norm *norm, int t, int c, double mean, double variance, REAL *out) {
  int64_t size = (int64_t)n->timesteps * n->channels;
  double inverse = 1 / sqrt(variance + norm->eps), scale = ((const REAL *)norm->weight)[c] * inverse;
  out += t * n->channels + c;
  out[0] = scale;
  out[size] = ((const REAL *)norm->bias)[c] - mean * scale;
  out[2 * size] = mean;
  out[3 * size] = inverse;
}

/* The constants of batch norm with this mean and variance [T, channels]. */
void NAME(given_constants)(const Neurons *n, const Norm *norm, const REAL *mean, const REAL *variance, REAL *out) {
  for (int t = 0; t < n->timesteps; t++)
    for (int c = 0; c < n->channels; c++) {
      int at = t * n->channels + c;
      NAME(set_constants)(n, norm, t, c, mean[at], variance[at], out);
    }
}

/* Mean [channels] of the timesteps [first, last) of all samples, and the sum of the squared distances
   from it, given the moments of each sample. */
static void NAME(combine)(const Neurons *n, const REAL *means, const REAL *squares, int first, int last, double *restrict mean, double *restrict total) {
  int channels = n->channels;
  double count = (double)n->samples * (last - first);
  memset(mean, 0, channels * sizeof(double));
  memset(total, 0, channels * sizeof(double));
  for (int sample = 0; sample < n->samples; sample++)
    for (int t = first; t < last; t++) {
      const REAL *own = means + ((int64_t)sample * n->timesteps + t) * channels;
      for (int c = 0; c < channels; c++) mean[c] += own[c];
    }
  for (int c = 0; c < channels; c++) mean[c] /= count;
  for (int sample = 0; sample < n->samples; sample++)
    for (int t = first; t < last; t++) {
      int64_t at = ((int64_t)sample * n->timesteps + t) * channels;
      for (int c = 0; c < channels; c++) {
        double distance = means[at + c] - mean[c];
        total[c] += squares[at + c] + n->pixels * distance * distance;
      }
    }
}

/* The constants of batch norm with the batch's own statistics, given the moments of each sample. Also
   the batch's mean and unbiased variance [T / together, channels]. */
void NAME(batch_constants)(const Neurons *n, const Norm *norm, int64_t together, const REAL *means, const REAL *squares, REAL *mean, REAL *variance, REAL *out) {
  double own[n->channels], totals[n->channels];
  double count = (double)n->samples * n->pixels * together;
  for (int first = 0; first < n->timesteps; first += together) {
    NAME(combine)(n, means, squares, first, first + together, own, totals);
    for (int c = 0; c < n->channels; c++) {
      *mean++ = own[c];
      *variance++ = totals[c] / MAX(count - 1, 1);
      for (int t = first; t < first + together; t++) NAME(set_constants)(n, norm, t, c, own[c], totals[c] / count, out);
    }
  }
}

/* Sums [2, T, channels] of each sample over its pixels: of the gradient of a normalised current, and of
   its products with that current. */
void NAME(gradient_sums)(const Neurons *n, const Current *current, const REAL *gradient, REAL *sums, int64_t first, int64_t last) {
  int channels = n->channels;
  int64_t size = (int64_t)n->timesteps * channels, step = (int64_t)n->samples * n->pixels * channels;
  memset(sums + 2 * first * size, 0, 2 * (last - first) * size * sizeof(REAL));
  for (int64_t sample = first; sample < last; sample++)
    for (int t = 0; t < n->timesteps; t++) {
      const REAL *x = (const REAL *)current->x + t * current->step, *g = gradient + t * step;
      const REAL *mean = (const REAL *)current->mean + t * channels, *inverse = (const REAL *)current->inverse + t * channels;
      REAL *restrict bias = sums + 2 * sample * size + t * channels, *restrict slope = bias + size;
      for (int64_t at = sample * n->pixels * channels; at < (sample + 1) * n->pixels * channels; at += channels)
        for (int c = 0; c < channels; c++) {
          bias[c] += g[at + c];
          slope[c] += g[at + c] * (x[at + c] - mean[c]);
        }
      for (int c = 0; c < channels; c++) slope[c] *= inverse[c];
    }
}

/* Means [T, channels] over all that is normalised together, or 0, given sums over samples and pixels. */
static void NAME(spread_means)(const Neurons *n, int together, const double *sums, REAL *out) {
  int channels = n->channels;
  if (!together) memset(out, 0, (int64_t)n->timesteps * channels * sizeof(REAL));
  for (int first = 0; together && first < n->timesteps; first += together)
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      for (int t = first; t < first + together; t++) sum += sums[t * channels + c];
      sum /= (double)n->samples * n->pixels * together;
      for (int t = first; t < first + together; t++) out[t * channels + c] = sum;
    }
}

/* Add up the sums [samples, 1 + currents, T, channels] of the samples' gradients. Of each current come
   two rows, for its bias and its weight: their gradients [channels], and what normalise_gradient needs,
   [T, channels]. */
void NAME(add_up)(const Neurons *n, const Current *currents, const REAL *sums, REAL *gradients, REAL *means) {
  int channels = n->channels;
  int64_t size = (int64_t)n->timesteps * channels, all = (1 + n->currents) * size;
  double *totals = calloc(all, sizeof(double));
  for (int sample = 0; sample < n->samples; sample++, sums += all)
    for (int64_t i = 0; i < all; i++) totals[i] += sums[i];
  for (int row = 0; row < 2 * n->currents; row++, gradients += channels, means += size) {
    const double *own = totals + (row % 2 ? 1 + row / 2 : 0) * size;
    NAME(spread_means)(n, currents[row / 2].together, own, means);
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      for (int t = 0; t < n->timesteps; t++) sum += own[t * channels + c];
      gradients[c] = sum;
    }
  }
  free(totals);
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
