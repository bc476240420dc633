/* Gradient of a convolution's weights: the gradient of the outputs, added up where there were spikes.
   These are sorted by channel in strips of an image, as high as the cache holds the strip's gradient,
   which is padded so that every kernel fits. */

#ifndef WEIGHT_GRADIENT_C
#define WEIGHT_GRADIENT_C

enum { STRIPS, PIXELS };  /* or TAPS */
enum { STRIP_BYTES = 32768 };

typedef struct {
  int height, rows, width;            /* of the input; of the padded gradient */
  void *gradient;                     /* [rows, width, outputs] */
  int32_t *spikes, *counts, *list;    /* [channels, height x input width], [channels] */
} Strip;

INLINE void free_strip(Strip s) {
  free(s.gradient);
  free(s.spikes);
  free(s.counts);
  free(s.list);
}

#endif

static Strip NAME(new_strip)(const Convolution *c) {
  int width = c->width + c->kernel_width - 1;
  int fits = STRIP_BYTES / (width * c->outputs * (int)sizeof(REAL)) - (c->kernel_height - 1);
  int height = MAX(1, MIN(c->height, fits)), rows = height + c->kernel_height - 1;
  void *gradient = malloc((size_t)rows * width * c->outputs * sizeof(REAL));
  int32_t *spikes = malloc((size_t)c->channels * height * c->width * sizeof(int32_t));
  return (Strip){height, rows, width, gradient, spikes, malloc(c->channels * sizeof(int32_t)), new_list(c->width, c->channels)};
}

/* Copy the gradient that the input's rows from y on see; outside the output it is 0. */
static void NAME(pad_gradient)(const Convolution *c, const Strip *s, const REAL *gradient, int y) {
  int64_t row = (int64_t)s->width * c->outputs;
  int left = c->left - (c->kernel_width - 1), x0 = MAX(0, left), x1 = MIN(c->out_width, left + s->width);
  for (int r = 0; r < s->rows; r++) {
    int oy = y + c->top - (c->kernel_height - 1) + r;
    REAL *to = (REAL *)s->gradient + r * row;
    if (oy < 0 || oy >= c->out_height || x0 >= x1) {
      memset(to, 0, row * sizeof(REAL));
      continue;
    }
    memset(to, 0, (size_t)(x0 - left) * c->outputs * sizeof(REAL));
    memcpy(to + (x0 - left) * c->outputs, gradient + ((int64_t)oy * c->out_width + x0) * c->outputs, (size_t)(x1 - x0) * c->outputs * sizeof(REAL));
    memset(to + (x1 - left) * c->outputs, 0, (size_t)(s->width - (x1 - left)) * c->outputs * sizeof(REAL));
  }
}

/* Sort the spikes of rows [y, y + rows) by channel, each as the place of its left upper pixel. */
static void NAME(sort_spikes)(const Convolution *c, const Strip *s, const uint8_t *bits, int rows) {
  int capacity = s->height * c->width, bytes = BYTES(c->channels);
  memset(s->counts, 0, c->channels * sizeof(int32_t));
  for (int r = 0; r < rows; r++, bits += c->width * bytes) {
    int n = list_spikes(bits, c->width, bytes, s->list, NULL, 0);
    for (int i = 0; i < n; i++) {
      int channel = channel_of(s->list[i]);
      s->spikes[channel * capacity + s->counts[channel]++] = (r * s->width + pixel_of(s->list[i])) * c->outputs;
    }
  }
}

/* Add the gradient at all `count` spikes to a part of a kernel's row, `width` vectors in registers. */
#define ADD_SPIKES(name, Type)                                                                     \
  INLINE void NAME(name)(const int32_t *spikes, int count, const REAL *gradient, REAL *kernel, int width) { \
    Type sums[width];                                                                              \
    for (int j = 0; j < width; j++) sums[j] = ((Type *)kernel)[j];                                 \
    for (int i = 0; i < count; i++)                                                                \
      for (int j = 0; j < width; j++) sums[j] += ((const Type *)(gradient + spikes[i]))[j];        \
    for (int j = 0; j < width; j++) ((Type *)kernel)[j] = sums[j];                                 \
  }

ADD_SPIKES(add_spikes, Vector)
ADD_SPIKES(add_spikes_to_eight, Eight)

static void NAME(add_row)(const int32_t *spikes, int count, const REAL *gradient, REAL *kernel, int length) {
  int at = 0;
#define ADD(add, lanes, width) \
  for (; at + width * lanes <= length; at += width * lanes) NAME(add)(spikes, count, gradient + at, kernel + at, width)
#if VECTOR == 64
  ADD(add_spikes, LANES, 20);
#endif
  ADD(add_spikes, LANES, 10);
  ADD(add_spikes, LANES, 6);
  ADD(add_spikes, LANES, 5);
  ADD(add_spikes, LANES, 3);
  ADD(add_spikes, LANES, 1);
  ADD(add_spikes_to_eight, 8, 1);
#undef ADD
  for (int i = 0; at < length && i < count; i++)
    for (int j = at; j < length; j++) kernel[j] += gradient[spikes[i] + j];
}

static void NAME(add_strip)(const Convolution *c, const Strip *s, REAL *weights) {
  int row = c->kernel_width * c->outputs;
  for (int channel = 0; channel < c->channels; channel++) {
    const int32_t *spikes = s->spikes + channel * s->height * c->width;
    if (s->counts[channel])
      for (int ky = 0; ky < c->kernel_height; ky++) {
        const REAL *gradient = (REAL *)s->gradient + (int64_t)(c->kernel_height - 1 - ky) * s->width * c->outputs;
        NAME(add_row)(spikes, s->counts[channel], gradient, weights + ((int64_t)channel * c->kernel_height + ky) * row, row);
      }
  }
}

/* The same where images are small beside the kernel: one spike after another, without padding. */
INLINE void NAME(add_image)(const Convolution *c, const uint8_t *bits, const REAL *gradient, REAL *weights, int32_t *list, int run) {
  int bytes = BYTES(c->channels);
  int64_t size = (int64_t)c->kernel_height * c->kernel_width * c->outputs;
  for (int y = 0; y < c->height; y++, bits += c->width * bytes) {
    int n = list_spikes(bits, c->width, bytes, list, NULL, 0);
    for (int i = 0; i < n; i++)
      NAME(add_kernel)(c, weights + channel_of(list[i]) * size, (REAL *)gradient, y, pixel_of(list[i]), run, 1);
  }
}

/* Add the gradient of the weights from images [first, last), given the gradient of the currents. The
   ways are STRIPS, PIXELS, and TAPS. */
static void NAME(add_images)(const Convolution *c, int way, const uint8_t *bits, const REAL *gradient, REAL *weights, int64_t first, int64_t last) {
  int64_t in_size = (int64_t)c->height * c->width * BYTES(c->channels), size = (int64_t)c->out_height * c->out_width * c->outputs;
  Strip strip = NAME(new_strip)(c);
  for (int64_t image = first; image < last; image++) {
    const uint8_t *in = bits + image * in_size;
    const REAL *from = gradient + image * size;
#define ADD_IMAGE(run) NAME(add_image)(c, in, from, weights, strip.list, run)
    if (way == TAPS) NAME(tap_image)(c, in, weights, (REAL *)from, strip.list, 1);
    else if (way == PIXELS) WITH_RUN(c, ADD_IMAGE)
    else
      for (int y = 0; y < c->height; y += strip.height) {
        NAME(pad_gradient)(c, &strip, from, y);
        NAME(sort_spikes)(c, &strip, in + (int64_t)y * c->width * BYTES(c->channels), MIN(strip.height, c->height - y));
        NAME(add_strip)(c, &strip, weights);
      }
#undef ADD_IMAGE
  }
  free_strip(strip);
}

/* The sums of the gradient of the weights over each of `count` parts of the images, those of
   [first, last) of them: `parts` is [count, weights]. */
void NAME(weight_gradient)(const Convolution *c, int64_t way, const uint8_t *bits, const REAL *gradient, REAL *parts, int64_t images, int64_t count, int64_t first, int64_t last) {
  int64_t size = (int64_t)c->channels * c->kernel_height * c->kernel_width * (c->outputs / c->groups);
  memset(parts + first * size, 0, (last - first) * size * sizeof(REAL));
  for (int64_t part = first; part < last; part++)
    NAME(add_images)(c, way, bits, gradient, parts + part * size, images * part / count, images * (part + 1) / count);
}

/* Add up the parts, in torch's order. */
void NAME(collect)(const Convolution *c, const REAL *parts, int64_t count, REAL *out) {
  NAME(each_weight)(c, out, (REAL *)parts, count);
}
