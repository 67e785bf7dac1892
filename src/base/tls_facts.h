/* What is known about the TLS layer that covers a stream. */
#ifndef BASE_TLS_FACTS_H
#define BASE_TLS_FACTS_H

#include <stdbool.h>
#include <stddef.h>

struct tls_facts {
	char version[16]; /* "TLSv1.3" */
	char cipher[64];
	char peer_name[256]; /* the name the certificate was verified for */
	bool verified;	     /* its chain and name, or the pinned key */
	bool resumed;
	/*
	 * As client: the peer has seen our certificate, now or when the
	 * session that was resumed began.
	 */
	bool shown;
	/*
	 * Channel bindings, for SCRAM-SHA-256-PLUS: tls-exporter (RFC 9266)
	 * and, below TLS 1.3 alone, tls-unique (RFC 5929 3).
	 */
	unsigned char cb_exporter[32];
	bool has_exporter;
	unsigned char cb_unique[64];
	size_t cb_unique_n; /* 0: there is none */
};

#endif
