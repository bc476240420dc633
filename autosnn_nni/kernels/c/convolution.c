/* Convolution of spikes. Its time falls with the spikes.

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

/* The rows or columns of outputs that an input at `at` adds to with stride 1: [*first, *last]. */
INLINE void reach(int at, int padding, int kernel, int outputs, int *first, int *last) {
  *first = MAX(0, at + padding - (kernel - 1));
  *last = MIN(outputs - 1, at + padding);
}

#endif

/* Torch's weights [outputs, channels / groups, height, width] as those of the kernels. With gradients, the
   sum of `parts` of the kernels' as torch's. */
INLINE void NAME(each_weight)(const Convolution *c, REAL *torch, REAL *kernels, int64_t parts) {
  int inputs = c->channels / c->groups, width = c->outputs / c->groups, taps = c->kernel_height * c->kernel_width;
  int64_t size = (int64_t)c->channels * taps * width;
  for (int o = 0; o < c->outputs; o++)
    for (int i = 0; i < inputs; i++)
      for (int tap = 0; tap < taps; tap++, torch++) {
        int turned = tap + c->kernel_width - 1 - 2 * (tap % c->kernel_width);
        REAL *kernel = kernels + ((int64_t)(o / width * inputs + i) * taps + turned) * width + o % width;
        if (!parts) *kernel = *torch;
        else *torch = 0;
        for (int64_t part = 0; part < parts; part++) *torch += kernel[part * size];
      }
}

void NAME(arrange)(const Convolution *c, const REAL *torch, REAL *kernels) {
  NAME(each_weight)(c, (REAL *)torch, kernels, 0);
}

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

/* All of one block of outputs, whose table this is. The image is read once for every few rows of the
   kernel: of the table, these stay in the processor's first cache. */
INLINE void NAME(window_block)(const Convolution *c, const uint8_t *bits, const REAL *table, REAL *out, int width, int block) {
  const int at_once = width > 3 ? REGISTERS / 16 : REGISTERS / 16 + 1;
  int64_t row = width * block, out_row = (int64_t)c->out_width * c->outputs;
  for (int ky = 0; ky < c->kernel_height; ky += at_once)
    for (int y = 0; y < c->height; y++) {
      const uint8_t *in = bits + (int64_t)y * c->width * BYTES(c->channels);
      int first = MAX(ky, y + c->top - (c->out_height - 1)), last = MIN(MIN(ky + at_once, c->kernel_height) - 1, y + c->top);
      const REAL *kernel = table + first * row;
      REAL *to = out + (y + c->top - first) * out_row;
      if (last - first + 1 == at_once) NAME(window_rows_of)(c, in, kernel, to, width, at_once, block);
      else
        for (; first <= last; first++, kernel += row, to -= out_row) NAME(window_rows_of)(c, in, kernel, to, width, 1, block);
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
