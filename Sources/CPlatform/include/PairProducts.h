#ifndef GRU_DIST_PAIRPRODUCTS_H
#define GRU_DIST_PAIRPRODUCTS_H

// The arithmetic of AVX512-BF16 for machines without it. VDPBF16PS adds the product of the odd
// numbers of a pair and then that of the even ones, each by a fused multiply-add of fp32 that takes
// denormal operands for zeros and has zeros for denormal results; VCVTNE2PS2BF16 rounds likewise.
// docs/numeric-contract.md has the rules and their sources.

#include "Vectors.h"

typedef int platform_int16 __attribute__((__ext_vector_type__(16)));
typedef unsigned platform_uint16 __attribute__((__ext_vector_type__(16)));
typedef double platform_double4 __attribute__((__ext_vector_type__(4)));
typedef long platform_long4 __attribute__((__ext_vector_type__(4)));

/// Lane by lane the nearest bf16 number, of two equally near ones the even one, as fp32. Denormals
/// become zeros of their sign, a NaN a quiet one.
static inline __attribute__((always_inline)) platform_float16 platform_round_to_bf16(
    platform_float16 x) {
  const platform_uint16 bits = (platform_uint16)x;
  const platform_int16 size = (platform_int16)(bits & 0x7fffffffu);
  const platform_uint16 odd = (bits >> 16) & 1u;
  const platform_uint16 finite = size < 0x00800000 ? bits & 0x80000000u : bits + odd + 0x7fffu;
  const platform_uint16 all = size > 0x7f800000 ? bits | 0x00400000u : finite;
  return (platform_float16)(all & 0xffff0000u);
}

/// Every even lane and the odd one after it in each other's place.
static inline __attribute__((always_inline)) platform_float16 platform_swap_neighbors(
    platform_float16 x) {
  return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
}

/// sum + a · b, rounded once, of numbers a and b that bf16 has; where the result is a denormal, or
/// would be with any number of exponents, a zero of its sign. `sum` is no denormal.
///
/// In double precision the product is exact, of 16 binary digits at most. So the sum is one of two
/// numbers of at most 24 digits, and rounding it to 53 and then to 24 is rounding it to 24
/// (53 >= 2 · 24 + 2; Figueroa, 1995).
static inline __attribute__((always_inline)) platform_float4 platform_add_bf16_product(
    platform_float4 sum, platform_float4 a, platform_float4 b) {
  const platform_double4 exact =
      __builtin_convertvector(sum, platform_double4)
      + __builtin_convertvector(a, platform_double4) * __builtin_convertvector(b, platform_double4);
  // What rounds to 24 bits below 2^-126: less than 2^-126 - 2^-151.
  const platform_double4 size =
      (platform_double4)((platform_long4)exact & 0x7fffffffffffffffL);
  const platform_long4 kept = ~((size < 0x1.ffffffp-127) & 0x7fffffffffffffffL);
  return __builtin_convertvector((platform_double4)((platform_long4)exact & kept), platform_float4);
}

/// Lane by lane a zero of its sign for a denormal.
static inline __attribute__((always_inline)) platform_float4 platform_flush(platform_float4 x) {
  typedef int int4 __attribute__((__ext_vector_type__(4)));
  const int4 bits = (int4)x;
  return (platform_float4)(bits & ~(((bits & 0x7f800000) == 0) & 0x7fffffff));
}

/// From here to `platform_restore_denormals` this thread's arithmetic takes denormal operands for
/// zeros, has zeros for denormal results, and rounds to nearest even. Only between them lies what
/// is computed from values loaded after the one and stored before the other.
///
/// - Returns: what `platform_restore_denormals` takes.
static inline __attribute__((always_inline)) unsigned platform_flush_denormals(void) {
#if defined(__x86_64__)
  unsigned before;
  // Exceptions masked; flush to zero (bit 15), denormals are zeros (bit 6), to nearest (13 and 14).
  const unsigned flushing = 0x9fc0;
  __asm__ volatile("stmxcsr %0" : "=m"(before));
  __asm__ volatile("ldmxcsr %0" : : "m"(flushing) : "memory");
  return before;
#else
  return 0;
#endif
}

static inline __attribute__((always_inline)) void platform_restore_denormals(unsigned before) {
#if defined(__x86_64__)
  __asm__ volatile("ldmxcsr %0" : : "m"(before) : "memory");
#else
  (void)before;
#endif
}

#endif
