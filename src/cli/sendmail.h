/* What stands behind the links sendmail, mailq, rmail and rsmtp. */
#ifndef CLI_SENDMAIL_H
#define CLI_SENDMAIL_H

#include "cli/context.h"

/* ARGV: the words behind the program's name; NULL at the end. Exit statuses. */
int sendmail_main(struct cli *c, char **argv);
int mailq_main(struct cli *c, char **argv);
int rmail_main(struct cli *c, char **argv);
int rsmtp_main(struct cli *c, char **argv);

struct submit_place;
/* rmail to HASHED_USER: a batch on standard input, its lines with "#". */
int rsmtp_hashed(struct cli *c, const struct submit_place *place);

#endif
