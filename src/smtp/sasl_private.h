/* What the two sides of sasl.h share. */
#ifndef SMTP_SASL_PRIVATE_H
#define SMTP_SASL_PRIVATE_H

#include "smtp/sasl.h"
#include "wire/limits.h"

#include <gsasl.h>

/* In the order of preference. */
enum sasl_mech {
	MECH_EXTERNAL,
	MECH_SCRAM_PLUS,
	MECH_SCRAM,
	MECH_CRAM,
	MECH_PLAIN,
	MECH_LOGIN,
	MECH_N
};

enum {
	/* SCRAM has the most: three messages and the last empty line. */
	SASL_STEPS_MAX = 5,
	/* Of a decoded line; a quarter of the line goes to base64. */
	SASL_MESSAGE_MAX = WIRE_SASL_LINE_MAX / 4 * 3,
	/* A server that asks for more would stop us for seconds. */
	SASL_ITERATIONS_MAX = 1000000,
};

const char *sasl_mech_name(enum sasl_mech mech);
/* MECH_N: not known. Case does not count. */
enum sasl_mech sasl_mech_find(struct str name);

/*
 * RFC 4954 4: strict base64, the pad only at the end. Appends to OUT. False:
 * malformed or above OUT's limit. "=" alone is the empty message.
 */
bool sasl_decode(struct str line, struct buf *out);
void sasl_encode(struct str message, struct buf *out);
bool sasl_is_scram(enum sasl_mech mech);
/* The channel can be bound to. TLS may be NULL. */
bool sasl_can_bind(const struct tls_facts *tls);
/* Sets a property of GNU SASL that it wants in base64. */
void sasl_set_base64(Gsasl_session *session, Gsasl_property property,
	const void *p, size_t n);
/* Frees B after overwriting what was in it. */
void sasl_wipe(struct buf *b);

#endif
