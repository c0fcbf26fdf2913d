#ifndef GRU_DIST_SHA256_H
#define GRU_DIST_SHA256_H

#include <stdint.h>

#pragma clang assume_nonnull begin

/// Whether this processor has instructions for SHA-256.
int platform_has_sha256(void);

/// Takes `count` blocks of 64 bytes into the eight words of `state` by the compression function of
/// SHA-256 (FIPS 180-4, section 6.2.2).
void platform_sha256(uint32_t *state, const uint8_t *blocks, long count);

/// The same by the processor's instructions, which it must have.
void platform_sha256_instructions(uint32_t *state, const uint8_t *blocks, long count);

#pragma clang assume_nonnull end

#endif
