#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

/* How often the calling thread has asked the system for memory so far. Programs that link this have
   the C library's malloc and its kin replaced by functions that count and pass the call on. Only
   where the C library is glibc; elsewhere the count stays at -1. */
long allocation_count(void);

#endif
