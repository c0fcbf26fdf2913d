#ifndef GRU_DIST_MULTIPLYADD_H
#define GRU_DIST_MULTIPLYADD_H

// a · b + c, rounded once. Baseline x86-64 has no instruction for it, and the C library's function
// takes one number at a time: there it is made of double precision.

#include "Vectors.h"

#if defined(__x86_64__) && !defined(__FMA__)
typedef double platform_wide4 __attribute__((__ext_vector_type__(4)));
typedef long platform_wide_bits4 __attribute__((__ext_vector_type__(4)));
typedef int platform_bits4 __attribute__((__ext_vector_type__(4)));
typedef int platform_bits8 __attribute__((__ext_vector_type__(8)));

/// The product is exact in double precision. Its sum with c is rounded to odd (where it is inexact
/// the last bit is set), and rounding that to single precision is as rounding the exact sum: Boldo
/// and Melquiond, Emulation of FMA and correctly rounded sums, 2008. TwoSum gives what the addition
/// lost. What is lost of an infinity is NaN, which is not above 0.
///
/// Callers keep their vectors in registers: it is for the few that need it.
static inline __attribute__((noinline, preserve_all)) platform_float4
platform_multiply_add_by_odd(platform_float4 a, platform_float4 b, platform_float4 c) {
  const platform_wide4 product = __builtin_convertvector(a, platform_wide4)
      * __builtin_convertvector(b, platform_wide4);
  const platform_wide4 addend = __builtin_convertvector(c, platform_wide4);
  const platform_wide4 sum = product + addend;
  const platform_wide4 part = sum - product;
  const platform_wide4 lost = (product - (sum - part)) + (addend - part);
  const platform_wide_bits4 bits = (platform_wide_bits4)sum;
  const platform_wide_bits4 lost_bits = (platform_wide_bits4)lost;
  const platform_wide4 lost_size = (platform_wide4)(lost_bits & 0x7fffffffffffffffL);
  // 1 where an even last bit is to become odd: upwards, or downwards in size.
  const platform_wide_bits4 step = (lost_size > 0.0) & ~bits & 1L;
  const platform_wide_bits4 down = ((lost_bits ^ bits) >> 63) & step;
  return __builtin_convertvector((platform_wide4)(bits + step - down - down), platform_float4);
}

/// a · b + c, rounded once.
///
/// Rounding the sum in double precision, and then again, errs only where the first ends halfway
/// between two floats: where the lower 29 bits are a one and zeros. Denormal results have their
/// halves elsewhere. Either is rare.
static inline __attribute__((always_inline)) platform_float4 platform_multiply_add4(
    platform_float4 a, platform_float4 b, platform_float4 c) {
  const platform_wide4 sum = __builtin_convertvector(a, platform_wide4)
          * __builtin_convertvector(b, platform_wide4)
      + __builtin_convertvector(c, platform_wide4);
  const platform_bits8 words = (platform_bits8)sum;
  const platform_bits4 low = __builtin_shufflevector(words, words, 0, 2, 4, 6) & 0x1fffffff;
  const platform_bits4 high = __builtin_shufflevector(words, words, 1, 3, 5, 7) & 0x7fffffff;
  // 2^-126 is 0x3810000000000000.
  const platform_bits4 doubt = (low == 0x10000000) | ((high < 0x38100000) & (high > 0));
  if (__builtin_expect(__builtin_ia32_movmskps(doubt), 0))
    return platform_multiply_add_by_odd(a, b, c);
  return __builtin_convertvector(sum, platform_float4);
}

/// a · b + c, rounded once.
static inline __attribute__((always_inline)) platform_float16 platform_multiply_add(
    platform_float16 a, platform_float16 b, platform_float16 c) {
  platform_float16 result = c;
  result.s0123 = platform_multiply_add4(a.s0123, b.s0123, c.s0123);
  result.s4567 = platform_multiply_add4(a.s4567, b.s4567, c.s4567);
  result.s89ab = platform_multiply_add4(a.s89ab, b.s89ab, c.s89ab);
  result.scdef = platform_multiply_add4(a.scdef, b.scdef, c.scdef);
  return result;
}
#else
/// a · b + c, rounded once.
static inline __attribute__((always_inline)) platform_float4 platform_multiply_add4(
    platform_float4 a, platform_float4 b, platform_float4 c) {
  return __builtin_elementwise_fma(a, b, c);
}

/// a · b + c, rounded once.
static inline __attribute__((always_inline)) platform_float16 platform_multiply_add(
    platform_float16 a, platform_float16 b, platform_float16 c) {
  return __builtin_elementwise_fma(a, b, c);
}
#endif

#endif
