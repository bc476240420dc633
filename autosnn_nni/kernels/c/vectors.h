/* Vectors of REAL: of the processor's size, of eight, and groups of neurons that are done at once:
   eight of them, a byte's, or sixteen where a vector has room for these. */

#undef Vector
#undef Eight
#undef Group
#undef Mask

typedef REAL NAME(Vector) __attribute__((vector_size(VECTOR), aligned(sizeof(REAL)), may_alias));
typedef REAL NAME(Eight) __attribute__((vector_size(8 * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
#define GROUP (VECTOR / sizeof(REAL) > 8 ? 16 : 8)
typedef REAL NAME(Group) __attribute__((vector_size(GROUP * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
typedef __typeof__((NAME(Group)){0} < 0) NAME(Mask);
#define Vector NAME(Vector)
#define Eight NAME(Eight)
#define Group NAME(Group)
#define Mask NAME(Mask)
#define LANES ((int)(VECTOR / sizeof(REAL)))
#define REGISTERS (VECTOR == 64 ? 32 : 16)

/* to[i] += from[i] */
INLINE void NAME(add)(REAL *restrict to, const REAL *restrict from, int count) {
  int i = 0;
  for (; i + LANES <= count; i += LANES) *(Vector *)(to + i) += *(const Vector *)(from + i);
  for (; i < count; i++) to[i] += from[i];
}

/* The first `count` values of a group; the others are 0. */
INLINE Group NAME(load)(const REAL *from, int count) {
  Group value = {0};
  if (count == GROUP) return *(const Group *)from;
  memcpy(&value, from, count * sizeof(REAL));
  return value;
}

INLINE void NAME(store)(REAL *to, Group value, int count) {
  if (count == GROUP) *(Group *)to = value;
  else memcpy(to, &value, count * sizeof(REAL));
}

/* The values where a comparison holds, else 0. */
INLINE Group NAME(where)(Mask mask, Group value) {
  return (Group)(mask & (Mask)value);
}

/* The spikes of a group of `count` neurons as values. */
INLINE Group NAME(values)(const uint8_t *bits, int count) {
  Group value;
  int spikes = count > 8 ? bits[0] | bits[1] << 8 : bits[0];
  for (int i = 0; i < GROUP; i++) value[i] = spikes >> i & 1;
  return value;
}

/* The bits of a group's neurons that reach the threshold. */
INLINE void NAME(fire_group)(Group h, uint8_t *bits, int count) {
  int fired = 0;
#if defined(__AVX512F__)
  if (sizeof(REAL) == 4) fired = _mm512_cmp_ps_mask((__m512)h, _mm512_set1_ps(1), _CMP_GE_OQ);
  else fired = _mm512_cmp_pd_mask((__m512d)h, _mm512_set1_pd(1), _CMP_GE_OQ);
#elif defined(__AVX__)
  fired = JOIN_PAIR(fired, REAL)(&h);
#else
  for (int i = 0; i < GROUP; i++) fired |= (h[i] >= 1) << i;
#endif
  bits[0] = count < 8 ? fired & 0xff >> (8 - count) : fired;
  if (count > 8) bits[1] = count < 16 ? fired >> 8 & 0xff >> (16 - count) : fired >> 8;
}
