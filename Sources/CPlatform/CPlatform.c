// What needs the C library's extensions; the rest of the module is its header.
#if defined(__linux__)
#define _GNU_SOURCE
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
