/*
 * Sizes that the mail standards name. Ours are at least as large
 * (RFC 5321 4.5.3.1).
 */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

enum {
	WIRE_LOCAL_PART_MAX = 64, /* 4.5.3.1.1 */
	WIRE_DOMAIN_MAX = 255,	  /* 4.5.3.1.2 */
	WIRE_MAILBOX_MAX = WIRE_LOCAL_PART_MAX + 1 + WIRE_DOMAIN_MAX,
	WIRE_ENVID_MAX = 100,	    /* RFC 3461 4.4, before xtext decoding */
	WIRE_ORCPT_MAX = 500,	    /* RFC 3461 4.2 */
	WIRE_COMMAND_MAX = 4096,    /* 4.5.3.1.4 and what all extensions add */
	WIRE_SASL_LINE_MAX = 12288, /* RFC 4954 4 */
	WIRE_REPLY_LINE_MAX = 2048, /* a peer's reply line; 512 in 4.5.3.1.5 */
	WIRE_REPLY_MAX = 65536,	    /* a peer's whole multi-line reply */
	WIRE_ATRN_DOMAINS_MAX = 100,
	WIRE_ID_MAX = 100, /* of a recipient in a batch */
};

/*
 * In a batch "NOOP ID=..." names the recipient that the next RCPT gives, so
 * that a batch can be read twice (docs/gateways.md).
 */
#define WIRE_ID_KEY "ID="

#endif
