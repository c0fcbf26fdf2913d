#ifndef GRU_DIST_CPLATFORM_H
#define GRU_DIST_CPLATFORM_H

// What Swift cannot say: which vector instructions the processor and the operating system offer,
// which cores a thread runs on, and vector operations that the standard library spells out lane by
// lane. The optimiser puts its fused multiply-adds and selections together again in some places
// only. What crosses from one instruction set's module to another is `KernelTable.h`.

#include "KernelTable.h"
#include "MultiplyAdd.h"
#include "PairProducts.h"
#include "SHA256.h"
#include "Vectors.h"

#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/// 0: baseline only; 1: AVX2 and FMA; 2: also the x86-64-v4 subset of AVX-512.
static inline int platform_vector_level(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  const unsigned fma = 1u << 12, osxsave = 1u << 27, f16c = 1u << 29, movbe = 1u << 22;
  const unsigned needed = fma | osxsave | f16c | movbe;
  if ((c & needed) != needed) return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 0x6) != 0x6) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  const unsigned avx2 = (1u << 5) | (1u << 3) | (1u << 8);
  if ((b & avx2) != avx2) return 0;
  unsigned extended_c = 0, unused;
  if (!__get_cpuid(0x80000001, &unused, &unused, &extended_c, &unused)) return 0;
  if (!(extended_c & (1u << 5))) return 0;
  const unsigned avx512 = (1u << 16) | (1u << 17) | (1u << 28) | (1u << 30) | (1u << 31);
  if ((b & avx512) != avx512 || (low & 0xe0) != 0xe0) return 1;
  return 2;
#else
  return 0;
#endif
}

/// Whether there are dot products of bf16 pairs in registers of 512 bits.
static inline int platform_has_bf16(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (platform_vector_level() < 2) return 0;
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d)) return 0;
  return (a & (1u << 5)) != 0;
#else
  return 0;
#endif
}

/// Lane by lane x where a < b, else y.
static inline __attribute__((always_inline)) platform_float16 platform_select_less(
    platform_float16 a, platform_float16 b, platform_float16 x, platform_float16 y) {
  return a < b ? x : y;
}

/// Correctly rounded square roots.
static inline __attribute__((always_inline)) platform_float16 platform_square_roots(
    platform_float16 x) {
  return __builtin_elementwise_sqrt(x);
}

/// Transposes 16 x 16 floats: to[16 j + i] of rows `to_stride` apart is from[i][j] of rows
/// `from_stride` apart. Four rounds, each of which interleaves rows that lie eight apart.
static inline __attribute__((always_inline)) void platform_transpose(
    const float *from, long from_stride, float *to, long to_stride) {
  platform_float16 rows[16], mixed[16];
  #pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++)
    rows[i] = *(const platform_float16_anywhere *)(from + i * from_stride);
  #pragma clang loop unroll(full)
  for (int round = 0; round < 4; round++) {
    #pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
      mixed[2 * i] = __builtin_shufflevector(
          rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      mixed[2 * i + 1] = __builtin_shufflevector(
          rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    #pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) rows[i] = mixed[i];
  }
  #pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++)
    *(platform_float16_anywhere *)(to + i * to_stride) = rows[i];
}

#if defined(__AVX512BF16__)
typedef __bf16 platform_bf16_32 __attribute__((__vector_size__(64)));
typedef float platform_raw16 __attribute__((__vector_size__(64)));

/// sum + a.even · b.even + a.odd · b.odd, lane by lane; a lane holds a pair of bf16 numbers.
static inline __attribute__((always_inline)) platform_float16 platform_dot_pairs(
    platform_float16 sum, platform_float16 a, platform_float16 b) {
  return (platform_float16)__builtin_ia32_dpbf16ps_512(
      (platform_raw16)sum, (platform_bf16_32)a, (platform_bf16_32)b);
}

/// Lane by lane the pair of `even` and `odd`, rounded to nearest even.
static inline __attribute__((always_inline)) platform_float16 platform_pairs(
    platform_float16 even, platform_float16 odd) {
  const platform_bf16_32 numbers =
      __builtin_ia32_cvtne2ps2bf16_512((platform_raw16)odd, (platform_raw16)even);
  return (platform_float16)__builtin_shufflevector(
      numbers, numbers,
      0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11,
      27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/// Rounds 32 neighbours, `low` first, to 32 neighbours.
static inline __attribute__((always_inline)) platform_float16 platform_narrow(
    platform_float16 low, platform_float16 high) {
  return (platform_float16)__builtin_ia32_cvtne2ps2bf16_512(
      (platform_raw16)high, (platform_raw16)low);
}

/// Transposes 16 x 16 floats into eight rows of pairs: lane i of row j is the pair of from[i][2 j]
/// and from[i][2 j + 1]. Rows of `to` lie `to_stride` floats apart.
static inline __attribute__((always_inline)) void platform_transpose_pairs(
    const float *from, long from_stride, float *to, long to_stride) {
  // Neighbours of a row are a pair already: narrow first, and move pairs.
  platform_float16 rows[16], mixed[16];
  #pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {
    platform_float16 top = *(const platform_float16_anywhere *)(from + i * from_stride);
    platform_float16 bottom = *(const platform_float16_anywhere *)(from + (i + 8) * from_stride);
    rows[i] = platform_narrow(top, bottom);
  }
  // rows[i] holds the eight pairs of row i, then those of row i + 8. Three rounds bring the eight
  // rows' pairs of equal place together.
  #pragma clang loop unroll(full)
  for (int round = 0; round < 3; round++) {
    #pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      mixed[2 * i] = __builtin_shufflevector(
          rows[i], rows[i + 4], 0, 16, 1, 17, 2, 18, 3, 19, 8, 24, 9, 25, 10, 26, 11, 27);
      mixed[2 * i + 1] = __builtin_shufflevector(
          rows[i], rows[i + 4], 4, 20, 5, 21, 6, 22, 7, 23, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    #pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) rows[i] = mixed[i];
  }
  #pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++)
    *(platform_float16_anywhere *)(to + i * to_stride) = rows[i];
}
#else
// What the generic sources name is there without the instructions too; it is not for use.
static inline __attribute__((always_inline)) platform_float16 platform_dot_pairs(
    platform_float16 sum, platform_float16 a, platform_float16 b) {
  (void)a, (void)b;
  __builtin_trap();
  return sum;
}
static inline __attribute__((always_inline)) platform_float16 platform_pairs(
    platform_float16 even, platform_float16 odd) {
  (void)odd;
  __builtin_trap();
  return even;
}
static inline __attribute__((always_inline)) platform_float16 platform_narrow(
    platform_float16 low, platform_float16 high) {
  (void)high;
  __builtin_trap();
  return low;
}
static inline __attribute__((always_inline)) void platform_transpose_pairs(
    const float *from, long from_stride, float *to, long to_stride) {
  (void)from, (void)from_stride, (void)to, (void)to_stride;
  __builtin_trap();
}
#endif

/// Where the bytes of a block of text stand that end the fields of a table or put them in quotes: a
/// bit for each of 64 bytes, the lowest for the first.
typedef struct {
  unsigned long long separators, line_ends, quotes;
} platform_field_marks;

/// The 64 bytes at `text` looked through at once. A line ends with LF or CR.
static inline __attribute__((always_inline)) platform_field_marks platform_find_field_marks(
    const unsigned char *text, unsigned char separator) {
  typedef unsigned char bytes __attribute__((__ext_vector_type__(64), __aligned__(1)));
  typedef _Bool bits __attribute__((__ext_vector_type__(64)));
  const bytes block = *(const bytes *)text;
  const bits found[3] = {
      __builtin_convertvector(block == separator, bits),
      __builtin_convertvector((block == '\n') | (block == '\r'), bits),
      __builtin_convertvector(block == '"', bits),
  };
  platform_field_marks marks;
  __builtin_memcpy(&marks.separators, &found[0], 8);
  __builtin_memcpy(&marks.line_ends, &found[1], 8);
  __builtin_memcpy(&marks.quotes, &found[2], 8);
  return marks;
}

/// Bytes of a core's data cache of level 1 or 2; 0 where the system does not say.
long platform_cache_bytes(int level);

/// The first core after `core` that this thread may run on; -1 where there is none, or it is not
/// known.
int platform_next_core(int core);

/// Has this thread run on one core alone. Returns whether it does.
int platform_move_to_core(int core);

/// Tells the processor that this thread waits for another one's store.
static inline __attribute__((always_inline)) void platform_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Nanoseconds of a clock that all threads and processes of a host share, and that never goes back.
static inline uint64_t platform_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/// Asks for the cache line at `address`, which need not be readable, to be brought near.
static inline __attribute__((always_inline)) void platform_prefetch(const void *address) {
  __builtin_prefetch(address, 0, 3);
}

/// Asks for the cache line at `address`, for reading it later than what the first cache holds till
/// then.
static inline __attribute__((always_inline)) void platform_prefetch_later(const void *address) {
  __builtin_prefetch(address, 0, 2);
}

#endif
