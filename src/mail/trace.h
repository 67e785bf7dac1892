/*
 * Trace fields that this node adds (RFC 5321 4.4).
 */
#ifndef MAIL_TRACE_H
#define MAIL_TRACE_H

#include "base/buf.h"

struct trace_received {
	const char *helo;     /* the name the client gave */
	const char *user;     /* of this host, instead of helo; NULL */
	const char *address;  /* its address, "" where there is none */
	const char *account;  /* who authenticated; "" nobody (not shown) */
	const char *hostname; /* ours */
	bool extended, tls, authenticated, lmtp, utf8; /* RFC 3848, 6531 4.3 */
	bool has_priority; /* RFC 6710 7: shown as PRIORITY n */
	int priority;
	const char *tls_version, *tls_cipher; /* shown where tls */
	int64_t id;
	const char *recipient; /* shown where there is just one; else NULL */
	const char *date;      /* RFC 5322 3.3 */
};

/*
 * Appends a folded Received field. What a peer said (helo) is cut and stripped
 * of all that could end or forge a field.
 */
void trace_received_add(const struct trace_received *t, struct buf *out);

/* "SMTP", "ESMTPSA", "LMTPS", "UTF8SMTPSA" ... */
const char *trace_with(const struct trace_received *t);

/* Appends "Return-Path: <SENDER>" CRLF (final delivery). */
void trace_return_path_add(const char *sender, struct buf *out);

#endif
