#ifndef GRU_DIST_CSOCKETS_H
#define GRU_DIST_CSOCKETS_H

#include <stdint.h>

// TCP as the page of runs needs it. In C, since socket addresses are casts between structures, and
// since constants and flags reach Swift in other types on each system. What fails returns minus the
// system's error number.

#pragma clang assume_nonnull begin

/// Takes an address in digits into 16 bytes. Returns how many it has, 4 or 16; 0 where it is none.
int sockets_parse_address(const char *text, uint8_t *bytes);

/// Writes an address of 4 or 16 bytes in digits, with an end, into 46 characters.
void sockets_write_address(const uint8_t *bytes, int count, char *text);

/// A socket that listens at an address, and does not wait.
int sockets_listen(const uint8_t *address, int count, uint16_t port, int backlog);

/// A socket that connects, or has begun to; for tests.
int sockets_connect(const uint8_t *address, int count, uint16_t port);

/// The port that a socket has.
int sockets_local_port(int socket);

/// The next connection, which does not wait either.
int sockets_accept(int listener);

/// Sends without a signal where the reader has gone. Returns how much was taken.
long sockets_send(int socket, const void *bytes, long count);

/// The address of this machine by which others are reached; nothing is sent. Returns its bytes'
/// count, or 0 where there is none.
int sockets_outward_address(int count, uint8_t *bytes);

/// A pipe of which neither end waits: the end to read from, then the one to write to. Returns 0.
int sockets_pipe(int *ends);

#pragma clang assume_nonnull end

#endif
