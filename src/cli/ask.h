/* Questions to the person at the terminal. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "base/err.h"
#include "wire/verifier.h"

/* Is there a person to ask? */
bool ask_possible(void);
/* QUESTION, and true for an answer that begins with y. */
bool ask_yes(const char *question);

/*
 * A line of text; an empty one is PROPOSED (NULL: it is asked for again by the
 * caller). ERR_INVALID: empty or too long; ERR_USAGE: there is no more input.
 */
enum err_code ask_line(const char *question, const char *proposed, char *out,
	size_t size, struct err *e);

/*
 * A password: from the one line of standard input, or asked twice without
 * echo. ERR_INVALID: empty, too long, or the two differ.
 */
enum err_code ask_password(bool from_stdin, const char *name,
	char password_r[SASL_SECRET_MAX + 1], struct err *e);

#endif
