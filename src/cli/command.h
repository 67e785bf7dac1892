/*
 * The verbs of tidepost, as const tables, one per family.
 *
 * A row says what may stand behind its verb; args.h checks that, help and
 * usage are printed from the row, and the manual is compared with it.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/args.h"
#include "cli/context.h"

struct command {
	const char *name;     /* "queue list" */
	const char *words;    /* what follows the options: "ID..."; "" none */
	unsigned least, most; /* how many of these */
	const struct option *options; /* NULL: none; ends with name NULL */
	bool raw; /* options are words too: the verb reads them itself */
	const char *help;    /* a sentence */
	const char *example; /* a whole command line */
	/* The exit status; what went wrong is already printed. */
	int (*run)(struct cli *c, const struct args *a);
};

enum { COMMAND_WORDS_MANY = 1000000 };

/* Each ends with a row whose name is NULL. */
extern const struct command status_commands[];
extern const struct command queue_commands[];
extern const struct command queue_act_commands[];
extern const struct command link_commands[];
extern const struct command link_history_commands[];
extern const struct command peer_commands[];
extern const struct command user_commands[];
extern const struct command customer_commands[];
extern const struct command customer_import_commands[];
extern const struct command statement_commands[];
extern const struct command check_commands[];
extern const struct command serve_commands[];
extern const struct command send_commands[];
extern const struct command log_commands[];
extern const struct command console_commands[];
extern const struct command setup_commands[];
extern const struct command cert_commands[];
extern const struct command spool_commands[];
extern const struct command version_commands[];

/* All tables; NULL at the end. */
extern const struct command *const command_tables[];

/* "queue list [--json] [--from PATTERN] ..." */
void command_usage(const struct command *command, struct buf *out);
/* The command whose one or two words stand at the front of WORDS; *n_r of
 * them. NULL: E says what is wrong. */
const struct command *command_find(
	const char *const *words, int n, int *n_r, struct err *e);
/* Runs the command that stands at the front of N words. The exit status. */
int command_run(struct cli *c, int n, const char *const *words);

#endif
