/* What every kernel uses. A file of kernels is compiled for each type and processor.

   REAL is float or double. VECTOR is the size of the processor's vectors in bytes. NAME(f) adds
   both to a function's name, as in convolve_float_avx2.

   Spikes are bits [images, pixels, bytes]: the channels of a pixel, eight to a byte, the first one
   in the lowest bit; unused bits are 0. Other arrays are channels last: [images, pixels, channels].
   A batch is T x N images: all samples of the first timestep, then those of the next. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

#define JOIN_(a, b, c) a##_##b##_##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#define JOIN_TWO_(a, b) a##_##b
#define JOIN_PAIR(a, b) JOIN_TWO_(a, b)
#define NAME(function) JOIN(function, REAL, PROCESSOR)

#define INLINE static inline __attribute__((always_inline))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define BYTES(channels) (((channels) + 7) / 8)

#ifndef KERNELS_H
#define KERNELS_H

/* A convolution of one image; `top` and `left` are its padding. Pixels outside the input are 0. */
typedef struct {
  int32_t channels, height, width;
  int32_t outputs, out_height, out_width;
  int32_t kernel_height, kernel_width, stride, top, left, groups;
} Convolution;

/* Max-pooling of spikes; pixels outside the input are left out. */
typedef struct {
  int32_t channels, height, width, out_height, out_width, kernel, stride, padding;
} Pool;

/* Batch norm; weight and bias are [C]. */
typedef struct {
  const void *weight, *bias;
  double eps;
} Norm;

/* One of the currents that are added up to charge neurons. Its batch norm is given as
   z = scale x + shift; mean and inverse (1 / standard deviation) are those of x, for the gradients.
   All four are [T, C]. They depend on x at `together` timesteps each: 1, all of them, or 0 where they
   are given. From one timestep to the next x moves on by `step` values: 0 if the current is the same
   at all of them. */
typedef struct {
  const void *x;
  int64_t step, together;
  const void *scale, *shift, *mean, *inverse;
} Current;

/* A convolution whose currents charge neurons, with their batch norm as in Current. `way` and
   `weights` are those of convolve. */
typedef struct {
  Convolution shape;
  int32_t way;
  const uint8_t *bits;
  const void *weights, *scale, *shift;
} Source;

/* Neurons: h = decay v + gain z, a spike where h >= 1, which sets v to 0, else v = h. */
typedef struct {
  int32_t timesteps, samples, pixels, channels, currents, surrogate;
  double decay, gain;
} Neurons;

enum { ATAN, TRIANGLE };

/* The bits of eight values that reach the threshold. */
#ifdef __AVX__
INLINE uint8_t fired_float(const void *h) {
  return _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(h), _mm256_set1_ps(1), _CMP_GE_OQ));
}

INLINE uint8_t fired_double(const void *h) {
  const double *four = h;
  __m256d one = _mm256_set1_pd(1);
  int low = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(four), one, _CMP_GE_OQ));
  int high = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(four + 4), one, _CMP_GE_OQ));
  return low | high << 4;
}
#endif

#endif
