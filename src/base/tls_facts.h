/* What is known about the TLS layer that covers a stream. */
#ifndef BASE_TLS_FACTS_H
#define BASE_TLS_FACTS_H

#include <stdbool.h>

struct tls_facts {
	char version[16]; /* "TLSv1.3" */
	char cipher[64];
	char peer_name[256]; /* the name the certificate was verified for */
	bool verified;	     /* its chain and name, or the pinned key */
	bool resumed;
};

#endif
