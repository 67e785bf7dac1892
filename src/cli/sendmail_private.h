/* What the files of sendmail share: its command line, taken apart. */
#ifndef CLI_SENDMAIL_PRIVATE_H
#define CLI_SENDMAIL_PRIVATE_H

#include "cli/sendmail.h"
#include "wire/params.h"

enum sendmail_mode {
	SENDMAIL_SEND,
	SENDMAIL_SMTP,
	SENDMAIL_QUEUE,
	SENDMAIL_FLUSH,
	SENDMAIL_NOTHING
};

struct sendmail_options {
	enum sendmail_mode mode;
	bool from_header; /* -t */
	bool dots;	  /* a lone dot is no end (-i) */
	const char *sender, *name;
	struct mail_params params;
	struct rcpt_params rcpt_params;
	char **words; /* borrowed */
	size_t words_n;
};

/* --- sendmail_options.c --- */

/*
 * Options and recipients may stand in any order, up to "--". O->words has room
 * for all of ARGV. False: one is wrong, and was said.
 */
bool sendmail_parse(struct cli *c, char **argv, struct sendmail_options *o);

/* --- sendmail_send.c --- */

/* One message from standard input. The exit status. */
int sendmail_send(struct cli *c, const struct sendmail_options *o);

#endif
