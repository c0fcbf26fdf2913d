#ifndef GRU_DIST_CPAGE_H
#define GRU_DIST_CPAGE_H

#include <stddef.h>
#include <stdint.h>

// The files of the page of runs, within the program. In C, since its compiler takes in a file as it
// stands; as lists of numbers in Swift they took longer to compile than the rest of the dashboard.

#pragma clang assume_nonnull begin

/// A file that the page consists of.
typedef enum : int {
  PageFileIndex, PageFileStyle, PageFileScript, PageFileData, PageFileCharts, PageFilePanels
} PageFile;

/// The bytes of a file. They live as long as the program.
const uint8_t *page_bytes(PageFile file);

/// How many bytes a file has.
size_t page_length(PageFile file);

#pragma clang assume_nonnull end

#endif
