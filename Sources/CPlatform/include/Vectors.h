#ifndef GRU_DIST_VECTORS_H
#define GRU_DIST_VECTORS_H

// Vectors as C's extensions have them: sixteen virtual lanes, and what kernels split them into.

typedef float platform_float16 __attribute__((__ext_vector_type__(16)));
typedef float platform_float4 __attribute__((__ext_vector_type__(4)));

/// A vector anywhere in memory.
typedef float platform_float16_anywhere
    __attribute__((__ext_vector_type__(16), __aligned__(4), __may_alias__));

#endif
