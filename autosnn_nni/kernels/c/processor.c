/* The best of the builds that this processor can run, and that its system saves the registers of. By
   hand, because ziglang's __builtin_cpu_supports finds nothing in a shared library. */

#if defined(__x86_64__)
#include <cpuid.h>

#define ALL(word, bits) (((word) & (bits)) == (bits))
#define BIT(n) (1u << (n))

const char *processor(void) {
  unsigned eax, ebx, ecx, edx, saved, high;
  unsigned fma = BIT(12), popcnt = BIT(23), osxsave = BIT(27), avx = BIT(28);                  /* leaf 1, ecx */
  unsigned bmi = BIT(3), avx2 = BIT(5), bmi2 = BIT(8);                                         /* leaf 7, ebx */
  unsigned avx512 = BIT(16) | BIT(17) | BIT(30) | BIT(31);                                     /* f, dq, bw, vl */
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !ALL(ecx, fma | popcnt | osxsave | avx)) return "plain";
  __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if (!ALL(saved, 0x06) || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return "plain";   /* xmm, ymm */
  if (!ALL(ebx, bmi | avx2 | bmi2)) return "plain";
  return ALL(saved, 0xe6) && ALL(ebx, avx512) ? "avx512" : "avx2";                             /* zmm, masks */
}
#else
const char *processor(void) { return "plain"; }
#endif

/* The digest of the sources that this was compiled from. */
const char *sources(void) { return SOURCES; }
