/* Convolution of spikes, and the gradient of its weights. The time of both falls with the spikes.

   Weights and their gradients are [channels, kernel_height, kernel_width, outputs / groups], and
   from right to left along the kernel's width. So what a spike adds to a row of the output is one
   run of memory, and so is the row itself.

   There are four ways to the same sums:
   - lookup: eight neurons of a pixel at once, from a table of the sums of their weights, added to
     the output where one of them fired. Best for few spikes.
   - window: the same of every pixel, without a branch; a row of the kernel stays in registers and
     moves along the row of the image. Best for many spikes.
   - gather: for one output pixel after another; its sums stay in registers. Best for wide outputs.
   - taps: each spike and kernel pixel by itself, for groups. */

#ifndef CONVOLUTION_C
#define CONVOLUTION_C

enum { LOOKUP, WINDOW, GATHER, TAPS };
enum { STRIPS, PIXELS };  /* or TAPS */

/* The rows or columns of outputs that an input at `at` adds to with stride 1: [*first, *last]. */
INLINE void reach(int at, int padding, int kernel, int outputs, int *first, int *last) {
  *first = MAX(0, at + padding - (kernel - 1));
  *last = MIN(outputs - 1, at + padding);
}

#endif

/* So many of the outputs from `o` on are done together in a window: two vectors, one, or eight values. */
INLINE int NAME(block)(const Convolution *c, int o) {
  int rest = c->outputs - o;
  return rest >= 2 * LANES ? 2 * LANES : rest >= LANES ? LANES : 8;
}

/* Table [bytes, 256, kernel_height, kernel_width, outputs]: for every byte of a pixel's spikes, the
   sum of the weights of its neurons. A WINDOW's has one such table after another for its blocks. */
void NAME(tabulate)(const Convolution *c, int64_t way, const REAL *weights, REAL *table) {
  int taps = c->kernel_height * c->kernel_width, width;
  for (int o = 0; o < c->outputs; o += width) {
    width = way == WINDOW ? NAME(block)(c, o) : c->outputs;
    int64_t size = (int64_t)taps * width;
    for (int b = 0; b < BYTES(c->channels); b++, table += 256 * size) {
      memset(table, 0, size * sizeof(REAL));
      for (int byte = 1; byte < 256; byte++) {
        int last = 31 - __builtin_clz(byte), channel = b * 8 + last;
        REAL *sum = table + byte * size;
        memcpy(sum, table + (byte ^ 1 << last) * size, size * sizeof(REAL));
        for (int tap = 0; channel < c->channels && tap < taps; tap++)
          NAME(add)(sum + tap * width, weights + ((int64_t)channel * taps + tap) * c->outputs + o, width);
      }
    }
  }
}

/* Add the kernel of a spike or of a byte at pixel (y, x) to an image `out`. With a gradient in its
   place, the image's values are added to the kernel: `to_kernel`. `run` vectors are a row of the
   kernel, if that is known when this is compiled. */
INLINE void NAME(add_kernel)(const Convolution *c, REAL *kernel, REAL *out, int y, int x, int run, int to_kernel) {
  int y0, y1, x0, x1, left = x + c->left - (c->kernel_width - 1);
  reach(y, c->top, c->kernel_height, c->out_height, &y0, &y1);
  reach(x, c->left, c->kernel_width, c->out_width, &x0, &x1);
  int count = (x1 - x0 + 1) * c->outputs;
  int64_t row = (int64_t)c->kernel_width * c->outputs, out_row = (int64_t)c->out_width * c->outputs;
  kernel += (y + c->top - y0) * row + (x0 - left) * c->outputs;
  out += y0 * out_row + x0 * c->outputs;
  for (; y0 <= y1; y0++, kernel -= row, out += out_row) {
    if (run && count == run * LANES)
      for (int i = 0; i < run; i++) {
        Vector *k = (Vector *)kernel + i, *o = (Vector *)out + i;
        if (to_kernel) *k += *o;
        else *o += *k;
      }
    else if (to_kernel) NAME(add)(kernel, out, count);
    else NAME(add)(out, kernel, count);
  }
}

/* Call a function with the length of a kernel's row in vectors, for the common ones. */
#define WITH_RUN(c, call)                              \
  switch ((c)->kernel_width * (c)->outputs) {          \
    case 3 * LANES: call(3); break;                    \
    case 5 * LANES: call(5); break;                    \
    case 6 * LANES: call(6); break;                    \
    case 10 * LANES: call(10); break;                  \
    case 12 * LANES: call(12); break;                  \
    case 20 * LANES: call(20); break;                  \
    default: call(0);                                  \
  }

INLINE void NAME(lookup_image)(const Convolution *c, const uint8_t *bits, const REAL *table, REAL *out, int run) {
  int bytes = BYTES(c->channels);
  int64_t size = (int64_t)c->kernel_height * c->kernel_width * c->outputs;
  for (int y = 0; y < c->height; y++)
    for (int x = 0; x < c->width; x++)
      for (int b = 0; b < bytes; b++) {
        int byte = *bits++;
        if (byte) NAME(add_kernel)(c, (REAL *)table + (b * 256 + byte) * size, out, y, x, run, 0);
      }
}

/* Add `rows` rows of the kernel, for all spikes of a row of the image, to as many rows of the output,
   upwards from `out`. `sums` are the outputs that the kernel covers at x; the left ones are complete
   after x. The inner loops have lengths that are known when this is compiled, so that the sums stay
   in registers. */
#define WINDOW_ROWS(name, Type)                                                                    \
  INLINE void NAME(name)(const Convolution *c, const uint8_t *bits, const REAL *table, REAL *out, int width, int rows, int count) { \
    const int lanes = sizeof(Type) / sizeof(REAL), pixel = lanes * count, row = width * pixel;     \
    int bytes = BYTES(c->channels), size = c->kernel_height * row, out_row = c->out_width * c->outputs; \
    Type sums[rows][width][count];                                                                 \
    for (int r = 0; r < rows; r++)                                                                 \
      for (int i = 0; i < width; i++)                                                              \
        for (int j = 0; j < count; j++) sums[r][i][j] = (Type){0};                                 \
    for (int x = 0; x < c->width + width - 1; x++) {                                               \
      if (x < c->width)                                                                            \
        for (int b = 0; b < bytes; b++) {                                                          \
          const REAL *kernel = table + (int64_t)(b * 256 + *bits++) * size;                        \
          for (int r = 0; r < rows; r++)                                                           \
            for (int i = 0; i < width; i++)                                                        \
              for (int j = 0; j < count; j++)                                                      \
                sums[r][i][j] += *(const Type *)(kernel + r * row + i * pixel + j * lanes);        \
        }                                                                                          \
      int ox = x + c->left - (width - 1);                                                          \
      if (ox >= 0 && ox < c->out_width)                                                            \
        for (int r = 0; r < rows; r++)                                                             \
          for (int j = 0; j < count; j++)                                                          \
            *(Type *)(out - (int64_t)r * out_row + ox * c->outputs + j * lanes) += sums[r][0][j];  \
      for (int r = 0; r < rows; r++)                                                               \
        for (int i = 0; i < width; i++)                                                            \
          for (int j = 0; j < count; j++)                                                          \
            sums[r][i][j] = i + 1 < width ? sums[r][i + 1][j] : (Type){0};                         \
    }                                                                                              \
  }

WINDOW_ROWS(window_rows, Vector)
WINDOW_ROWS(window_rows_of_eight, Eight)

/* Rows of the kernel for one block of outputs: two vectors, one, or eight values. */
INLINE void NAME(window_rows_of)(const Convolution *c, const uint8_t *bits, const REAL *table, REAL *out, int width, int rows, int block) {
  if (block == 2 * LANES) NAME(window_rows)(c, bits, table, out, width, rows, 2);
  else if (block == LANES) NAME(window_rows)(c, bits, table, out, width, rows, 1);
  else NAME(window_rows_of_eight)(c, bits, table, out, width, rows, 1);
}

/* All of one block of outputs, whose table this is. */
INLINE void NAME(window_block)(const Convolution *c, const uint8_t *bits, const REAL *table, REAL *out, int width, int block) {
  const int at_once = width > 3 ? REGISTERS / 16 : REGISTERS / 16 + 1;
  int64_t row = width * block, out_row = (int64_t)c->out_width * c->outputs;
  for (int y = 0; y < c->height; y++, bits += c->width * BYTES(c->channels)) {
    int y0, y1;
    reach(y, c->top, c->kernel_height, c->out_height, &y0, &y1);
    const REAL *kernel = table + (y + c->top - y1) * row;
    REAL *to = out + y1 * out_row;
    int rows = y1 - y0 + 1;
    for (; rows >= at_once; rows -= at_once, kernel += at_once * row, to -= at_once * out_row)
      NAME(window_rows_of)(c, bits, kernel, to, width, at_once, block);
    for (; rows > 0; rows--, kernel += row, to -= out_row)
      NAME(window_rows_of)(c, bits, kernel, to, width, 1, block);
  }
}

static void NAME(window_image)(const Convolution *c, const uint8_t *bits, const REAL *table, REAL *out) {
  int64_t size = (int64_t)BYTES(c->channels) * 256 * c->kernel_height * c->kernel_width;
  for (int o = 0; o < c->outputs;) {
    int block = NAME(block)(c, o);
    if (c->kernel_width == 1) NAME(window_block)(c, bits, table, out + o, 1, block);
    else if (c->kernel_width == 3) NAME(window_block)(c, bits, table, out + o, 3, block);
    else if (c->kernel_width == 5) NAME(window_block)(c, bits, table, out + o, 5, block);
    else NAME(window_block)(c, bits, table, out + o, 7, block);
    table += size * block;
    o += block;
  }
}

/* Outputs of one pixel, `width` vectors of them. Spikes [.., ..) of each row of its window lie one
   after another in the list. Two sums take turns, as an addition takes longer than its turn. */
INLINE void NAME(gather_pixel)(const Convolution *c, const int32_t *list, const int32_t *starts, const REAL *weights, REAL *out, int oy, int ox, int width) {
  Vector even[width], odd[width];
  for (int i = 0; i < width; i++) even[i] = odd[i] = (Vector){0};
  int top = oy * c->stride - c->top, left = ox * c->stride - c->left;
  int x0 = MAX(0, left), x1 = MAX(x0, MIN(c->width, left + c->kernel_width));
  int y1 = MIN(c->height, top + c->kernel_height);
  if (x0 >= c->width) y1 = 0;
  for (int y = MAX(0, top); y < y1; y++) {
    const REAL *row = weights + ((int64_t)(y - top) * c->kernel_width + c->kernel_width - 1 + left) * c->outputs;
    const int32_t *spike = list + starts[y * c->width + x0], *end = list + starts[y * c->width + x1];
    for (; spike + 1 < end; spike += 2) {
      const Vector *a = (const Vector *)(row + spike[0]), *b = (const Vector *)(row + spike[1]);
      for (int i = 0; i < width; i++) even[i] += a[i], odd[i] += b[i];
    }
    if (spike < end)
      for (int i = 0; i < width; i++) even[i] += ((const Vector *)(row + *spike))[i];
  }
  for (int i = 0; i < width; i++) ((Vector *)out)[i] = even[i] + odd[i];
}

/* The outputs that don't fill a vector. */
INLINE void NAME(gather_rest)(const Convolution *c, const int32_t *list, const int32_t *starts, const REAL *weights, REAL *out, int oy, int ox, int count) {
  memset(out, 0, count * sizeof(REAL));
  int top = oy * c->stride - c->top, left = ox * c->stride - c->left;
  for (int y = MAX(0, top); y < MIN(c->height, top + c->kernel_height); y++)
    for (int x = MAX(0, left); x < MIN(c->width, left + c->kernel_width); x++) {
      const REAL *row = weights + ((int64_t)(y - top) * c->kernel_width + c->kernel_width - 1 + left) * c->outputs;
      for (int i = starts[y * c->width + x]; i < starts[y * c->width + x + 1]; i++)
        for (int o = 0; o < count; o++) out[o] += row[list[i] + o];
    }
}

static void NAME(gather_image)(const Convolution *c, const uint8_t *bits, const REAL *weights, REAL *out, int32_t *list, int32_t *starts) {
  int bytes = BYTES(c->channels), n = 0, size = c->kernel_height * c->kernel_width * c->outputs;
  for (int y = 0; y < c->height; y++) {
    int from = n;
    n = list_spikes(bits, c->width, bytes, list, starts + y * c->width, n);
    for (int i = from; i < n; i++) list[i] = channel_of(list[i]) * size - pixel_of(list[i]) * c->outputs;
    bits += c->width * bytes;
  }
  starts[c->height * c->width] = n;
  for (int oy = 0; oy < c->out_height; oy++)
    for (int ox = 0; ox < c->out_width; ox++, out += c->outputs)
      for (int o = 0; o < c->outputs;) {
        int vectors = (c->outputs - o) / LANES;
#define GATHER_PIXEL(width) \
  NAME(gather_pixel)(c, list, starts, weights + o, out + o, oy, ox, width), o += width * LANES
        if (vectors >= 4) GATHER_PIXEL(4);
        else if (vectors >= 2) GATHER_PIXEL(2);
        else if (vectors) GATHER_PIXEL(1);
        else NAME(gather_rest)(c, list, starts, weights + o, out + o, oy, ox, c->outputs - o), o = c->outputs;
#undef GATHER_PIXEL
      }
}

/* Add each spike's kernel, pixel by pixel of the kernel; or the image to the kernels. */
static void NAME(tap_image)(const Convolution *c, const uint8_t *bits, REAL *weights, REAL *out, int32_t *list, int to_kernel) {
  int bytes = BYTES(c->channels), group = c->channels / c->groups, width = c->outputs / c->groups;
  for (int y = 0; y < c->height; y++, bits += c->width * bytes) {
    int n = list_spikes(bits, c->width, bytes, list, NULL, 0);
    for (int i = 0; i < n; i++) {
      int channel = channel_of(list[i]), x = pixel_of(list[i]);
      REAL *kernel = weights + (int64_t)channel * c->kernel_height * c->kernel_width * width;
      for (int ky = 0; ky < c->kernel_height; ky++) {
        int oy = y + c->top - ky;
        if (oy < 0 || oy % c->stride || oy / c->stride >= c->out_height) continue;
        for (int kx = 0; kx < c->kernel_width; kx++) {
          int ox = x + c->left - kx;
          if (ox < 0 || ox % c->stride || ox / c->stride >= c->out_width) continue;
          REAL *o = out + ((int64_t)(oy / c->stride) * c->out_width + ox / c->stride) * c->outputs + channel / group * width;
          REAL *k = kernel + ((int64_t)ky * c->kernel_width + c->kernel_width - 1 - kx) * width;
          if (to_kernel) NAME(add)(k, o, width);
          else NAME(add)(o, k, width);
        }
      }
    }
  }
}

/* Memory for one image: its list of spikes, and where those of each pixel begin. */
#ifndef LISTS
#define LISTS
typedef struct { int32_t *spikes, *starts; } Lists;

INLINE Lists new_lists(const Convolution *c) {
  int64_t pixels = (int64_t)c->height * c->width;
  return (Lists){new_list(pixels, c->channels), malloc((pixels + 1) * sizeof(int32_t))};
}

INLINE void free_lists(Lists lists) {
  free(lists.spikes);
  free(lists.starts);
}
#endif

/* Currents of one image. `weights` are a table for LOOKUP and WINDOW; WINDOW is for kernels of a width
   of 1, 3, 5 or 7, a stride of 1, and outputs in eights. */
static void NAME(convolve_image)(const Convolution *c, int way, const uint8_t *bits, const REAL *weights, REAL *out, Lists lists) {
  if (way != GATHER) memset(out, 0, sizeof(REAL) * c->out_height * c->out_width * c->outputs);
#define LOOKUP_IMAGE(run) NAME(lookup_image)(c, bits, weights, out, run)
  if (way == LOOKUP) WITH_RUN(c, LOOKUP_IMAGE)
  else if (way == WINDOW) NAME(window_image)(c, bits, weights, out);
  else if (way == GATHER) NAME(gather_image)(c, bits, weights, out, lists.spikes, lists.starts);
  else NAME(tap_image)(c, bits, (REAL *)weights, out, lists.spikes, 0);
#undef LOOKUP_IMAGE
}

/* Currents of images [first, last). */
void NAME(convolve)(const Convolution *c, int64_t way, const uint8_t *bits, const REAL *weights, REAL *out, int64_t first, int64_t last) {
  int64_t in_size = (int64_t)c->height * c->width * BYTES(c->channels);
  int64_t size = (int64_t)c->out_height * c->out_width * c->outputs;
  Lists lists = new_lists(c);
  for (int64_t image = first; image < last; image++)
    NAME(convolve_image)(c, way, bits + image * in_size, weights, out + image * size, lists);
  free_lists(lists);
}

/* The gradient of the weights. Its spikes are sorted by channel in strips of an image, as high as the
   cache holds the strip's gradient, which is padded so that every kernel fits. */
#ifndef STRIP_C
#define STRIP_C

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
   [first, last) of them: `parts` is [count, weights], and 0. */
void NAME(weight_gradient)(const Convolution *c, int64_t way, const uint8_t *bits, const REAL *gradient, REAL *parts, int64_t images, int64_t count, int64_t first, int64_t last) {
  int64_t size = (int64_t)c->channels * c->kernel_height * c->kernel_width * (c->outputs / c->groups);
  for (int64_t part = first; part < last; part++)
    NAME(add_images)(c, way, bits, gradient, parts + part * size, images * part / count, images * (part + 1) / count);
}

/* Add the products of a kernel's and the gradient's rows: in vectors, and what does not fill one. */
INLINE void NAME(dot)(const REAL *kernel, const REAL *gradient, int count, Vector *sum, REAL *rest) {
  int i = 0;
  for (; i + LANES <= count; i += LANES) *sum += *(const Vector *)(kernel + i) * *(const Vector *)(gradient + i);
  for (; i < count; i++) *rest += kernel[i] * gradient[i];
}

/* Gradient of the inputs that are near their threshold, the others' is 0. For stride 1, without
   groups. Two channels at a time read each row of the gradient once. */
void NAME(input_gradient)(const Convolution *c, const uint8_t *near, const REAL *gradient, const REAL *weights, REAL *out, int64_t first, int64_t last) {
  int64_t pixels = (int64_t)c->height * c->width, size = (int64_t)c->kernel_height * c->kernel_width * c->outputs;
  int64_t row = (int64_t)c->kernel_width * c->outputs, out_row = (int64_t)c->out_width * c->outputs;
  int32_t *list = new_list(1, c->channels);
  for (int64_t image = first; image < last; image++) {
    const REAL *from = gradient + image * c->out_height * out_row;
    for (int y = 0; y < c->height; y++)
      for (int x = 0; x < c->width; x++) {
        int64_t pixel = image * pixels + y * c->width + x;
        int n = list_spikes(near + pixel * BYTES(c->channels), 1, BYTES(c->channels), list, NULL, 0);
        REAL *to = out + pixel * c->channels;
        memset(to, 0, c->channels * sizeof(REAL));
        int y0, y1, x0, x1, left = x + c->left - (c->kernel_width - 1);
        reach(y, c->top, c->kernel_height, c->out_height, &y0, &y1);
        reach(x, c->left, c->kernel_width, c->out_width, &x0, &x1);
        const REAL *corner = weights + (y + c->top - y0) * row + (x0 - left) * c->outputs;
        list[n] = list[n - (n > 0)];  /* of an odd number the last one twice */
        for (int i = 0; i < n; i += 2) {
          const REAL *a = corner + list[i] * size, *b = corner + list[i + 1] * size, *g = from + y0 * out_row + x0 * c->outputs;
          Vector sums[2] = {{0}, {0}};
          REAL rests[2] = {0, 0};
          for (int oy = y0; oy <= y1; oy++, a -= row, b -= row, g += out_row) {
            NAME(dot)(a, g, (x1 - x0 + 1) * c->outputs, &sums[0], &rests[0]);
            NAME(dot)(b, g, (x1 - x0 + 1) * c->outputs, &sums[1], &rests[1]);
          }
          for (int j = 0; j < LANES; j++) rests[0] += sums[0][j], rests[1] += sums[1][j];
          to[list[i]] = rests[0];
          to[list[i + 1]] = rests[1];
        }
      }
  }
  free(list);
}
