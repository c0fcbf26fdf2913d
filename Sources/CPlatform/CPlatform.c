// What needs the C library's extensions; the rest of the module is its header.
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include "CPlatform.h"

int platform_next_core(int core) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return -1;
  for (int next = core + 1; next < CPU_SETSIZE; next++)
    if (CPU_ISSET(next, &allowed)) return next;
#else
  (void)core;
#endif
  return -1;
}

int platform_move_to_core(int core) {
#if defined(__linux__)
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  return sched_setaffinity(0, sizeof only, &only) == 0;
#else
  (void)core;
  return 0;
#endif
}
