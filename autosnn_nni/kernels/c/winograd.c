/* Gradient of a convolution's inputs where it is dense, by Winograd's filtering (Lavin and Gray, 2016).

   It is itself a convolution: of the outputs' gradient, with the kernel turned around. In one
   dimension, a tile d of 8 values and a kernel g of k give 9 - k sums y = A ((G g) . (B d)), where "." is
   value by value: 8 products for all of them, in place of k for each. Rows of A and G are powers of the
   points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity; B follows from them. In two dimensions the columns are
   transformed, and then the rows. So there is a product of matrices over the channels for each of a
   tile's 64 positions: a sixth of the multiplications for 5 x 5 kernels, a fifth for 3 x 3. */

#ifndef WINOGRAD_C
#define WINOGRAD_C

/* So many tiles are done together: what they need stays in the processor's caches. */
enum { TILE = 8, POSITIONS = TILE * TILE, TILES = 12 };

/* Pairs of points p and -p, and G's factor at them. */
static const double POINTS[] = {1, 2, .5}, FACTORS[] = {-2. / 9, 1. / 90, 32. / 45};

#define UNROLL _Pragma("GCC unroll 32")

#endif

/* Vectors in which so many channels fit. */
#define VECTORS(channels) (((channels) + LANES - 1) / LANES)

/* The first `count` values of a vector; the others are 0. */
INLINE Vector NAME(load_part)(const REAL *from, int count) {
  if (count >= LANES) return *(const Vector *)from;
#if defined(__AVX512F__)
  if (sizeof(REAL) == 4) return (Vector)_mm512_maskz_loadu_ps((1 << count) - 1, from);
  return (Vector)_mm512_maskz_loadu_pd((1 << count) - 1, from);
#endif
  Vector value = {0};
  memcpy(&value, from, count * sizeof(REAL));
  return value;
}

INLINE void NAME(store_part)(REAL *to, Vector value, int count) {
  if (count >= LANES) *(Vector *)to = value;
#if defined(__AVX512F__)
  else if (sizeof(REAL) == 4) _mm512_mask_storeu_ps(to, (1 << count) - 1, (__m512)value);
  else _mm512_mask_storeu_pd(to, (1 << count) - 1, (__m512d)value);
#else
  else memcpy(to, &value, count * sizeof(REAL));
#endif
}

/* a b + c, rounded once where the processor can. */
INLINE Vector NAME(multiply_add)(Vector a, Vector b, Vector c) {
#if defined(__AVX512F__)
  if (sizeof(REAL) == 4) return (Vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
  return (Vector)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__FMA__)
  if (sizeof(REAL) == 4) return (Vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
  return (Vector)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
  return a * b + c;
#endif
}

/* factor value + other */
#define TIMES(factor, value, other) NAME(multiply_add)((REAL)(factor) - (Vector){0}, value, other)

/* B d, in place of d. */
INLINE void NAME(transform)(Vector d[TILE]) {
  Vector d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5], d6 = d[6], d7 = d[7];
  Vector even[] = {TIMES(-4.25, d4, d2 + d6), TIMES(.25, d2, TIMES(-1.25, d4, d6)), TIMES(4, d2, TIMES(-5, d4, d6))};
  Vector odd[] = {TIMES(-4.25, d3, d1 + d5), TIMES(.5, d1, TIMES(-2.5, d3, 2 * d5)), TIMES(2, d1, TIMES(-2.5, d3, (REAL).5 * d5))};
  d[0] = TIMES(5.25, d4 - d2, d0 - d6);
  for (int pair = 0; pair < 3; pair++) {
    d[1 + 2 * pair] = even[pair] + odd[pair];
    d[2 + 2 * pair] = even[pair] - odd[pair];
  }
  d[7] = TIMES(5.25, d3 - d5, d7 - d1);
}

/* `count` values of A y. */
INLINE void NAME(transform_back)(const Vector y[TILE], int count, Vector *out) {
  Vector even[] = {y[1] + y[2], y[3] + y[4], y[5] + y[6]}, odd[] = {y[1] - y[2], y[3] - y[4], y[5] - y[6]};
  out[0] = y[0] + even[0] + even[1] + even[2];
  for (int i = 1; i < count; i++) {
    const Vector *pairs = i % 2 ? odd : even;
    out[i] = TIMES(1 << i, pairs[1], TIMES(1. / (1 << i), pairs[2], pairs[0]));
  }
  out[count - 1] += y[7];
}

/* G g, of a kernel's `count` values. */
INLINE void NAME(transform_kernel)(const Vector *g, int count, Vector out[TILE]) {
  out[0] = g[0];
  for (int pair = 0; pair < 3; pair++) {
    Vector even = {0}, odd = {0};
    REAL factor = FACTORS[pair];
    for (int i = 0; i < count; i++, factor *= POINTS[pair]) {
      if (i % 2) odd += factor * g[i];
      else even += factor * g[i];
    }
    out[1 + 2 * pair] = even + odd;
    out[2 + 2 * pair] = even - odd;
  }
  out[7] = g[count - 1];
}

/* Kernels [outputs, k, k, channels], turned around, as [positions, outputs, channels in vectors]. */
void NAME(transform_kernels)(const Convolution *c, const REAL *kernels, REAL *to) {
  int k = c->kernel_height;
  int64_t step = (int64_t)c->outputs * VECTORS(c->channels) * LANES;
  for (int o = 0; o < c->outputs; o++, kernels += k * k * c->channels)
    for (int channel = 0; channel < c->channels; channel += LANES, to += LANES) {
      Vector g[TILE], columns[TILE][TILE], row[TILE];
      for (int x = 0; x < k; x++) {
        for (int y = 0; y < k; y++)
          g[y] = NAME(load_part)(kernels + ((k - 1 - y) * k + k - 1 - x) * c->channels + channel, c->channels - channel);
        NAME(transform_kernel)(g, k, columns[x]);
      }
      for (int i = 0; i < TILE; i++) {
        for (int x = 0; x < k; x++) g[x] = columns[x][i];
        NAME(transform_kernel)(g, k, row);
        for (int j = 0; j < TILE; j++) *(Vector *)(to + (i * TILE + j) * step) = row[j];
      }
    }
}

/* The outputs' gradient, as far as the inputs from pixel (y, x) on have a part in it. */
typedef struct {
  const REAL *image;
  int y, x;
} NAME(View);

/* Transform a tile of the gradient to [position, outputs in vectors, tile, LANES]. Only if it is not all
   `inside` the image, its places are looked at. */
INLINE void NAME(take)(const Convolution *c, NAME(View) v, REAL *to, int inside) {
  int64_t step = (int64_t)VECTORS(c->outputs) * TILES * LANES;
  for (int o = 0; o < c->outputs; o += LANES, to += TILES * LANES) {
    Vector column[TILE], tile[TILE][TILE];
    for (int j = 0; j < TILE; j++) {
      for (int i = 0; i < TILE; i++) {
        int y = v.y + i, x = v.x + j, is_in = inside || (y >= 0 && y < c->out_height && x >= 0 && x < c->out_width);
        const REAL *from = v.image + ((int64_t)y * c->out_width + x) * c->outputs + o;
        column[i] = is_in ? NAME(load_part)(from, c->outputs - o) : (Vector){0};
      }
      NAME(transform)(column);
      for (int i = 0; i < TILE; i++) tile[i][j] = column[i];
    }
    for (int i = 0; i < TILE; i++) {
      NAME(transform)(tile[i]);
      for (int j = 0; j < TILE; j++) *(Vector *)(to + (i * TILE + j) * step) = tile[i][j];
    }
  }
}

static void NAME(take_tile)(const Convolution *c, NAME(View) v, REAL *to) {
  int inside = v.y >= 0 && v.x >= 0 && v.y + TILE <= c->out_height && v.x + TILE <= c->out_width;
  if (inside) NAME(take)(c, v, to, 1);
  else NAME(take)(c, v, to, 0);
}

/* Products of `rows` tiles and a position's matrix [outputs, width], for `count` vectors of its columns. */
INLINE void NAME(multiply_rows)(const REAL *tiles, const REAL *matrix, int outputs, int width, REAL *to, int rows, int count) {
  Vector sums[rows][count];
  UNROLL
  for (int r = 0; r < rows; r++)
    UNROLL
    for (int j = 0; j < count; j++) sums[r][j] = (Vector){0};
  for (int o = 0; o < outputs; o += LANES, tiles += TILES * LANES)
    for (int lane = 0; lane < MIN(LANES, outputs - o); lane++, matrix += width)
      UNROLL
      for (int r = 0; r < rows; r++)
        UNROLL
        for (int j = 0; j < count; j++) sums[r][j] = TIMES(tiles[r * LANES + lane], ((const Vector *)matrix)[j], sums[r][j]);
  UNROLL
  for (int r = 0; r < rows; r++)
    UNROLL
    for (int j = 0; j < count; j++) ((Vector *)(to + (int64_t)r * width))[j] = sums[r][j];
}

/* Products of all tiles [outputs in vectors, tile, LANES] and a position's matrix: [tile, width]. */
static void NAME(multiply)(const REAL *tiles, const REAL *matrix, int outputs, int width, REAL *to) {
  const int half = TILES / 2, rows = REGISTERS == 32 ? TILES : half;
  int at = 0;
  for (; at + 2 * LANES <= width; at += 2 * LANES)
    for (int r = 0; r < TILES; r += rows)
      NAME(multiply_rows)(tiles + r * LANES, matrix + at, outputs, width, to + r * width + at, rows, 2);
  if (at < width) NAME(multiply_rows)(tiles, matrix + at, outputs, width, to + at, TILES, 1);
}

/* Transform a tile [position, tile, channels in vectors] back to the gradient of `side` x `side` inputs
   from pixel (y, x) on, as far as there are any. */
INLINE void NAME(give_tile)(const Convolution *c, const REAL *from, REAL *image, int y, int x, int side) {
  int64_t step = (int64_t)TILES * VECTORS(c->channels) * LANES;
  int rows = MIN(side, c->height - y), columns = MIN(side, c->width - x);
  for (int channel = 0; channel < c->channels; channel += LANES, from += LANES) {
    Vector row[TILE], column[TILE], tile[TILE][TILE];
    for (int i = 0; i < TILE; i++) {
      for (int j = 0; j < TILE; j++) row[j] = *(const Vector *)(from + (i * TILE + j) * step);
      NAME(transform_back)(row, side, column);
      for (int j = 0; j < side; j++) tile[j][i] = column[j];
    }
    for (int j = 0; j < columns; j++) {
      NAME(transform_back)(tile[j], side, column);
      REAL *to = image + ((int64_t)y * c->width + x + j) * c->channels + channel;
      for (int i = 0; i < rows; i++, to += c->width * c->channels) NAME(store_part)(to, column[i], c->channels - channel);
    }
  }
}

/* `side` is 9 - k. Tiles are counted through all images. */
INLINE void NAME(by_tiles)(const Convolution *c, const REAL *gradient, const REAL *kernels, REAL *out, int64_t first, int64_t last, int side) {
  int across = (c->width + side - 1) / side, each = (c->height + side - 1) / side * across;
  int in = VECTORS(c->outputs) * LANES, width = VECTORS(c->channels) * LANES;
  int64_t in_size = (int64_t)c->out_height * c->out_width * c->outputs, size = (int64_t)c->height * c->width * c->channels;
  REAL *taken = aligned_alloc(64, (size_t)POSITIONS * TILES * (in + width) * sizeof(REAL)), *given = taken + POSITIONS * TILES * in;
#define FOR_TILES(call)                                                                            \
  for (int64_t tile = begin; tile < MIN(begin + TILES, last * each); tile++) {                     \
    int64_t image = tile / each, i = tile - begin;                                                 \
    int y = tile % each / across * side, x = tile % across * side;                                 \
    call;                                                                                          \
  }
  for (int64_t begin = first * each; begin < last * each; begin += TILES) {
    FOR_TILES(NAME(take_tile)(c, (NAME(View)){gradient + image * in_size, y + c->top - (TILE - side), x + c->left - (TILE - side)}, taken + i * LANES))
    for (int p = 0; p < POSITIONS; p++)
      NAME(multiply)(taken + (int64_t)p * TILES * in, kernels + (int64_t)p * c->outputs * width, c->outputs, width, given + (int64_t)p * TILES * width);
    FOR_TILES(NAME(give_tile)(c, given + i * width, out + image * size, y, x, side))
  }
#undef FOR_TILES
  free(taken);
}

/* Gradient of the inputs of images [first, last), for square kernels of 3, 5 or 7, with stride 1 and
   without groups; `kernels` are those of transform_kernels. */
void NAME(tiled_input_gradient)(const Convolution *c, const REAL *gradient, const REAL *kernels, REAL *out, int64_t first, int64_t last) {
  if (c->kernel_width == 3) NAME(by_tiles)(c, gradient, kernels, out, first, last, 6);
  else if (c->kernel_width == 5) NAME(by_tiles)(c, gradient, kernels, out, first, last, 4);
  else NAME(by_tiles)(c, gradient, kernels, out, first, last, 2);
}
#undef TIMES
