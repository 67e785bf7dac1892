/*
 * One message of a program of this host: to the daemon over the control socket,
 * or where none answers into the drop directory (handin/drop.h). Streamed.
 */
#ifndef CLI_SUBMIT_H
#define CLI_SUBMIT_H

#include "cli/context.h"

/* Where the node is to be found. */
struct submit_place {
	char *run_dir, *drop; /* owned; drop may be NULL */
	char *home;	      /* the domain of bare names; owned; "" unknown */
	size_t rcpts_max;     /* programs.recipients */
	uint64_t size_max;    /* limits.message_size, in the drop directory */
};
/*
 * An exit status. Where the usual file cannot be read the defaults count. Of a
 * file that somebody named it is said: the mail of one node is for no other.
 */
int submit_place_find(struct cli *c, struct submit_place *p);
void submit_place_free(struct submit_place *p);

struct submit_mail {
	const char *sender; /* "" null path; may be a bare name */
	struct mail_params params;
	char **rcpts; /* addresses or bare names; borrowed */
	size_t rcpts_n;
	struct rcpt_params rcpt_params; /* of all of them */
	/*
	 * Of others, on its way through this host. It goes by the drop
	 * directory alone: nobody could be told what the daemon answers.
	 */
	bool transit;
};

struct submit;

/*
 * An exit status; what is wrong is printed. 0: *submit_r takes the message,
 * header and body as lines with CRLF.
 */
int submit_begin(const struct submit_place *place, const struct submit_mail *m,
	struct submit **submit_r);
int submit_octets(struct submit *s, struct str octets);
/* 0: the message is on the disk. S is freed in any case. */
int submit_end(struct submit *s);
void submit_cancel(struct submit *s); /* NULL is fine */

#endif
