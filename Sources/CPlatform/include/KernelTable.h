#ifndef GRU_DIST_KERNELTABLE_H
#define GRU_DIST_KERNELTABLE_H

#include <stdint.h>

// The kernels of one instruction set. A C structure, since only pointers and integers may cross
// from one instruction set's module to another: it can hold nothing else, and Swift makes none of
// it without a value for every member.

#pragma clang assume_nonnull begin

/// A kernel of one block of arguments. Which block that is stands where the kernel is defined.
typedef void (*BlockKernel)(const void *arguments);

/// One step of a rule with one moving mean.
typedef void (*UpdateKernel)(
    float *parameters, const float *gradient, float *mean, long count, const void *scalars);

/// The result of an operation on two arrays, element by element; it may be one of them.
typedef void (*ArrayKernel)(const float *left, const float *right, float *result, long count);

/// The kernels of one instruction set, which the machine must have when one is called.
typedef struct KernelTable {
  /// Floats of a vector register.
  long vectorWidth;
  /// Columns of a packed panel.
  long panelWidth;
  /// Floats in a column of a packed operand for two steps of k: 2, or 1 where it holds bf16 pairs.
  long floatsPerPair;

  BlockKernel product;
  /// Copies rows of a product's A as bf16 numbers, `stride` floats apart, for `product`.
  void (*roundRows)(const void *product, long row, long count, float *copy, long stride);
  BlockKernel packTransposed;
  BlockKernel packRows;
  void (*packShardColumns)(const void *rows, long columns, float *destination);
  BlockKernel weightGradient;

  /// The kernel of a `GateFunction`, by its number.
  BlockKernel _Nonnull (*_Nonnull gate)(long function);
  BlockKernel normalize;
  BlockKernel normalizeBackward;
  BlockKernel dropRows;

  BlockKernel softmaxCrossEntropy;
  BlockKernel softmaxBlock;
  BlockKernel softmaxBlockGradient;
  float (*softmaxJoin)(float *maxima, float *sums, long blocks, float chosen);
  BlockKernel valueLoss;

  ArrayKernel add;
  ArrayKernel subtract;
  void (*blockSquares)(const float *values, long count, double *blocks);
  void (*blockHashes)(const float *values, long count, uint64_t *hashes);

  void (*adam)(
      float *parameters, const float *gradient, float *first, float *second, long count,
      const void *scalars);
  UpdateKernel momentum;
  UpdateKernel nesterov;
  UpdateKernel rootStep;
  void (*average)(float *average, const float *parameters, long count, float weight);

  /// exp, sigmoid or tanh (0, 1, 2) of `count` floats, a multiple of 16; for tests.
  void (*elementary)(long function, const float *values, float *results, long count);
  float (*multiplyAddChains)(long iterations);
  float (*readArray)(const float *values, long count);
} KernelTable;

#pragma clang assume_nonnull end

#endif
