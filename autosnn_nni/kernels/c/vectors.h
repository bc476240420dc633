/* Vectors of REAL: of the processor's size, and of eight, one for each neuron of a byte. */

#undef Vector
#undef Eight

typedef REAL NAME(Vector) __attribute__((vector_size(VECTOR), aligned(sizeof(REAL)), may_alias));
typedef REAL NAME(Eight) __attribute__((vector_size(8 * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
typedef __typeof__((NAME(Eight)){0} < 0) NAME(Mask);
#define Vector NAME(Vector)
#define Eight NAME(Eight)
#define LANES ((int)(VECTOR / sizeof(REAL)))

/* to[i] += from[i] */
INLINE void NAME(add)(REAL *restrict to, const REAL *restrict from, int count) {
  int i = 0;
  for (; i + LANES <= count; i += LANES) *(Vector *)(to + i) += *(const Vector *)(from + i);
  for (; i < count; i++) to[i] += from[i];
}

/* The first `count` of eight values; the others are 0. */
INLINE Eight NAME(load)(const REAL *from, int count) {
  Eight value = {0};
  if (count == 8) return *(const Eight *)from;
  memcpy(&value, from, count * sizeof(REAL));
  return value;
}

INLINE void NAME(store)(REAL *to, Eight value, int count) {
  if (count == 8) *(Eight *)to = value;
  else memcpy(to, &value, count * sizeof(REAL));
}

/* The values where a comparison holds, else 0. */
INLINE Eight NAME(where)(NAME(Mask) mask, Eight value) {
  return (Eight)(mask & (NAME(Mask))value);
}
