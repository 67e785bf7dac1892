/*
 * What the files of the recoder share.
 *
 *	recode.c         lines, delimiters, parts: where the octets belong
 *	recode_field.c   what Content-Type and Content-Transfer-Encoding say
 */
#ifndef MAIL_RECODE_PRIVATE_H
#define MAIL_RECODE_PRIVATE_H

#include "mail/recode.h"
#include "mail/transfer.h"

enum {
	RECODE_BOUNDARY_MAX = 200, /* 70 in RFC 2046 5.1.1 */
	RECODE_LINE_HELD = 1024,   /* a line's front: a delimiter is shorter */
	RECODE_FIELD_MAX = 8192,   /* octets of a field that must be read */
	RECODE_LINE_MAX = 998,	   /* of text that is no binary (RFC 5322) */
};

/* What an entity is, by its header. */
enum recode_kind {
	KIND_LEAF,	/* may be encoded */
	KIND_OPAQUE,	/* must stay as it is */
	KIND_MESSAGE,	/* a header follows the header */
	KIND_MULTIPART, /* parts */
};

/* Content-Transfer-Encoding */
enum recode_was {
	WAS_7BIT, /* or nothing was said */
	WAS_8BIT,
	WAS_BINARY,
	WAS_ENCODED, /* quoted-printable, base64, or a word nobody knows */
};

/* What an entity's header says. */
struct recode_entity {
	enum recode_kind kind;
	enum recode_was was;
	bool has_type, has_encoding, is_text, is_digest;
	char boundary[RECODE_BOUNDARY_MAX + 1];
	const char *opaque; /* why it must stay; static */
};

/* What is done with an entity; kept for each from the first pass. */
enum recode_plan {
	PLAN_NONE,
	PLAN_QP,
	PLAN_BASE64,
	PLAN_LABEL, /* a multipart or message: its encoding is named anew */
};

/* FIELD, with its folded lines, into *E. False: *why_r says what is wrong. */
bool recode_read_type(
	struct str field, struct recode_entity *e, const char **why_r);
bool recode_read_encoding(
	struct str field, struct recode_entity *e, const char **why_r);

#endif
