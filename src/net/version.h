/* The libraries this room runs with, for status. */
#ifndef NET_VERSION_H
#define NET_VERSION_H

/* "openssl 3.0.17", "libevent 2.1.12-stable"; NULL behind the last. */
const char *net_library(unsigned i);

#endif
