#include "CSockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
} Address;

static socklen_t fill(Address *address, const uint8_t *bytes, int count, uint16_t port) {
  memset(address, 0, sizeof *address);
  if (count == 4) {
    address->four.sin_family = AF_INET;
    address->four.sin_port = htons(port);
    memcpy(&address->four.sin_addr, bytes, 4);
    return sizeof address->four;
  }
  address->six.sin6_family = AF_INET6;
  address->six.sin6_port = htons(port);
  memcpy(&address->six.sin6_addr, bytes, 16);
  return sizeof address->six;
}

static int prepare(int socket) {
  const int flags = fcntl(socket, F_GETFL);
  if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) != 0) return -errno;
  if (fcntl(socket, F_SETFD, FD_CLOEXEC) != 0) return -errno;
#if defined(SO_NOSIGPIPE)
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return 0;
}

static int given_up(int file, int code) {
  close(file);
  return code;
}

int sockets_parse_address(const char *text, uint8_t *bytes) {
  if (inet_pton(AF_INET, text, bytes) == 1) return 4;
  if (inet_pton(AF_INET6, text, bytes) == 1) return 16;
  return 0;
}

void sockets_write_address(const uint8_t *bytes, int count, char *text) {
  text[0] = 0;
  inet_ntop(count == 4 ? AF_INET : AF_INET6, bytes, text, INET6_ADDRSTRLEN);
}

int sockets_listen(const uint8_t *bytes, int count, uint16_t port, int backlog) {
  Address address;
  const socklen_t length = fill(&address, bytes, count, port);
  const int file = socket(address.any.sa_family, SOCK_STREAM, 0);
  if (file < 0) return -errno;
  const int code = prepare(file);
  if (code != 0) return given_up(file, code);
  const int on = 1, off = 0;
  setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // All addresses of version 6 are all of version 4 too.
  if (count == 16) setsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(file, &address.any, length) != 0) return given_up(file, -errno);
  if (listen(file, backlog) != 0) return given_up(file, -errno);
  return file;
}

int sockets_connect(const uint8_t *bytes, int count, uint16_t port) {
  Address address;
  const socklen_t length = fill(&address, bytes, count, port);
  const int file = socket(address.any.sa_family, SOCK_STREAM, 0);
  if (file < 0) return -errno;
  const int code = prepare(file);
  if (code != 0) return given_up(file, code);
  if (connect(file, &address.any, length) != 0 && errno != EINPROGRESS)
    return given_up(file, -errno);
  return file;
}

int sockets_local_port(int socket) {
  Address address;
  socklen_t length = sizeof address;
  if (getsockname(socket, &address.any, &length) != 0) return -errno;
  return ntohs(address.any.sa_family == AF_INET ? address.four.sin_port : address.six.sin6_port);
}

int sockets_accept(int listener) {
  const int file = accept(listener, NULL, NULL);
  if (file < 0) return -errno;
  const int code = prepare(file);
  if (code != 0) return given_up(file, code);
  const int on = 1;
  setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return file;
}

long sockets_send(int socket, const void *bytes, long count) {
#if defined(MSG_NOSIGNAL)
  const long sent = send(socket, bytes, (size_t)count, MSG_NOSIGNAL);
#else
  const long sent = send(socket, bytes, (size_t)count, 0);
#endif
  return sent < 0 ? -errno : sent;
}

static void copy_bytes(const struct sockaddr *address, int count, uint8_t *bytes) {
  if (count == 4) memcpy(bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
  if (count == 16) memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
}

/// The first address of an interface that is up and leads to others.
static int interface_address(int count, uint8_t *bytes) {
  struct ifaddrs *all = NULL;
  if (getifaddrs(&all) != 0) return 0;
  int found = 0;
  for (struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
    if (!one->ifa_addr || one->ifa_addr->sa_family != (count == 4 ? AF_INET : AF_INET6)) continue;
    if (!(one->ifa_flags & IFF_UP) || (one->ifa_flags & IFF_LOOPBACK)) continue;
    copy_bytes(one->ifa_addr, count, bytes);
    // An address of version 6 that begins so has a meaning on its link only.
    found = count == 4 || bytes[0] != 0xfe || (bytes[1] & 0xc0) != 0x80 ? count : 0;
  }
  freeifaddrs(all);
  return found;
}

int sockets_outward_address(int count, uint8_t *bytes) {
  // Addresses for documentation, which lead nowhere: only the way there is asked for.
  uint8_t elsewhere[16] = {192, 0, 2, 1};
  if (count == 16) {
    const uint8_t documentation[4] = {0x20, 0x01, 0x0d, 0xb8};
    memset(elsewhere, 0, sizeof elsewhere);
    memcpy(elsewhere, documentation, 4);
    elsewhere[15] = 1;
  }
  Address address;
  socklen_t length = fill(&address, elsewhere, count, 9);
  const int file = socket(address.any.sa_family, SOCK_DGRAM, 0);
  if (file < 0) return 0;
  const int has_way = connect(file, &address.any, length) == 0;
  length = sizeof address;
  // A network without a way out has addresses too.
  if (!has_way || getsockname(file, &address.any, &length) != 0)
    return given_up(file, interface_address(count, bytes));
  copy_bytes(&address.any, count, bytes);
  return given_up(file, count);
}

int sockets_pipe(int *ends) {
  if (pipe(ends) != 0) return -errno;
  for (int i = 0; i < 2; i++) {
    const int code = prepare(ends[i]);
    if (code != 0) {
      close(ends[0]);
      return given_up(ends[1], code);
    }
  }
  return 0;
}
