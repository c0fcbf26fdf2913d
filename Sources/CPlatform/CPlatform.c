// What needs the C library's extensions; the rest of the module is its header.
#if defined(__linux__)
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif
#include "CPlatform.h"

#if defined(__linux__)
// What the kernel's files say: entries 0 to 3 are caches of any level and kind, in no fixed order.
static long cache_bytes_of_files(int level) {
  for (int index = 0; index < 4; index++) {
    char path[80], kind[16] = "";
    long found = 0, kibibytes = 0;
    const char *const form = "/sys/devices/system/cpu/cpu0/cache/index%d/%s";
    const char *const names[] = {"level", "type", "size"};
    for (int i = 0; i < 3; i++) {
      snprintf(path, sizeof path, form, index, names[i]);
      FILE *file = fopen(path, "r");
      if (!file) return 0;
      const int count = i == 0   ? fscanf(file, "%ld", &found)
                        : i == 1 ? fscanf(file, "%15s", kind)
                                 : fscanf(file, "%ldK", &kibibytes);
      fclose(file);
      if (count != 1) return 0;
    }
    if (found == level && kind[0] != 'I') return kibibytes * 1024;
  }
  return 0;
}
#endif

long platform_cache_bytes(int level) {
#if defined(__linux__)
  // Of the C library, which asks the processor itself on x86-64; else of the kernel.
  const long bytes =
      sysconf(level == 1 ? _SC_LEVEL1_DCACHE_SIZE : _SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? bytes : cache_bytes_of_files(level);
#elif defined(__APPLE__)
  // Of the fast cores, where there are two kinds.
  const char *const fast = level == 1 ? "hw.perflevel0.l1dcachesize" : "hw.perflevel0.l2cachesize";
  const char *const any = level == 1 ? "hw.l1dcachesize" : "hw.l2cachesize";
  long long bytes = 0;
  size_t size = sizeof bytes;
  if (sysctlbyname(fast, &bytes, &size, NULL, 0) == 0 && bytes > 0) return (long)bytes;
  bytes = 0;
  size = sizeof bytes;
  return sysctlbyname(any, &bytes, &size, NULL, 0) == 0 ? (long)bytes : 0;
#else
  (void)level;
  return 0;
#endif
}

#if defined(__linux__)
// The cores that this thread may run on, in a set that has room for as many as the kernel counts;
// NULL where it does not say. A fixed cpu_set_t ends at 1,024; the kernel refuses one too small.
static cpu_set_t *allowed_cores(int *room) {
  for (int count = 64; count <= 1 << 20; count *= 2) {
    cpu_set_t *set = CPU_ALLOC(count);
    if (!set) return NULL;
    if (sched_getaffinity(0, CPU_ALLOC_SIZE(count), set) == 0) {
      *room = count;
      return set;
    }
    const int error = errno;
    CPU_FREE(set);
    if (error != EINVAL) return NULL;
  }
  return NULL;
}
#endif

int platform_next_core(int core) {
  int found = -1;
#if defined(__linux__)
  int room = 0;
  cpu_set_t *const allowed = allowed_cores(&room);
  if (!allowed) return -1;
  for (int next = core + 1; next < room && found < 0; next++)
    if (CPU_ISSET_S(next, CPU_ALLOC_SIZE(room), allowed)) found = next;
  CPU_FREE(allowed);
#else
  (void)core;
#endif
  return found;
}

int platform_move_to_core(int core) {
  int moved = 0;
#if defined(__linux__)
  if (core < 0) return 0;
  cpu_set_t *const only = CPU_ALLOC(core + 1);
  if (!only) return 0;
  CPU_ZERO_S(CPU_ALLOC_SIZE(core + 1), only);
  CPU_SET_S(core, CPU_ALLOC_SIZE(core + 1), only);
  moved = sched_setaffinity(0, CPU_ALLOC_SIZE(core + 1), only) == 0;
  CPU_FREE(only);
#else
  (void)core;
#endif
  return moved;
}
