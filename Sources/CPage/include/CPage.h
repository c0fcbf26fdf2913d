#ifndef GRU_DIST_CPAGE_H
#define GRU_DIST_CPAGE_H

#include <stddef.h>
#include <stdint.h>

// The files of the page of runs, within the program. In C, since its compiler takes in a file as it
// stands; as lists of numbers in Swift they took longer to compile than the rest of the dashboard.

#pragma clang assume_nonnull begin

/// A file that the page consists of. Name and bytes live as long as the program.
typedef struct {
  const char *name;
  const uint8_t *bytes;
  size_t length;
} PageFile;

/// How many files the page has.
size_t page_file_count(void);

/// The file of a number below that.
PageFile page_file(size_t number);

#pragma clang assume_nonnull end

#endif
