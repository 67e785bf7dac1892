/*
 * What a verb works with: the configuration, the spool, the daemon. Each is
 * opened when first asked for and closed at the end.
 *
 * Functions that give an int give an exit status: 0, or what was already
 * printed to standard error went wrong.
 */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include "conf/conf.h"
#include "control/client.h"
#include "control/protocol.h"
#include "faces/store.h"
#include "spool/queue.h"
#include "spool/records.h"

struct cli {
	const char *conf_option; /* -c; NULL */
	struct conf *conf;
	struct spool *spool;
	bool spool_writes;
};

void cli_close(struct cli *c);

/* Prints "tidepost: E" and gives the exit status that tells it. */
int cli_fail(const struct err *e);
/* The same for words: printf. */
int cli_refuse(enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

int cli_load(struct cli *c);
/* The spool, to look at. ERR_NOTFOUND where the node never ran. */
enum err_code cli_spool_try(struct cli *c, struct err *e);
int cli_spool_read(struct cli *c);
/* The spool, alone: the daemon cannot start meanwhile. */
enum err_code cli_spool_alone(struct cli *c, struct err *e);
int cli_spool_write(struct cli *c);

/* Runs FN on the spool opened for it. */
int cli_read(struct cli *c, spool_fn *fn, void *arg);
int cli_write(struct cli *c, spool_fn *fn, void *arg);

/*
 * Connects to the daemon. *CLIENT_R NULL and 0: it does not run.
 */
int cli_connect(struct cli *c, struct control_client **client_r);

/*
 * Sends REQUEST and reads to the end. What is not the end goes to EACH (may
 * be NULL). *count_r (may be NULL): what the end counted, or -1. SILENCE_MS 0:
 * wait for ever. A text of the end is printed, to standard error where its
 * status is not 0.
 */
typedef void cli_answer(void *arg, const struct record *r);
int cli_ask_daemon(struct control_client *client, const struct record *request,
	uint64_t silence_ms, cli_answer *each, void *arg, int64_t *count_r);

/*
 * To the daemon where it runs (*done_r true, REQUEST answered), else the caller
 * does it itself.
 */
int cli_to_daemon(struct cli *c, const struct record *request, bool *done_r,
	int64_t *count_r);

/*
 * The same for a request of N records, whose answers before the end go to
 * EACH (may be NULL).
 */
int cli_parts_to_daemon(struct cli *c, const struct record *v, size_t n,
	cli_answer *each, void *arg, bool *done_r, int64_t *count_r);

#endif
