/*
 * Many customers at once, in one transaction: those that are there become what
 * their entry says, others are added. What an entry does not say is taken
 * away, but a password stays unless another is given, and so does what was
 * learnt of the customer and when it called.
 */
#ifndef SPOOL_IMPORT_H
#define SPOOL_IMPORT_H

#include "spool/settings.h"
#include "spool/spool.h"

struct spool_import_entry {
	char *name;	   /* owned */
	size_t line;	   /* of the file it comes from */
	bool has_verifier; /* else the password stays as it is */
	struct verifier verifier, next;
	struct spool_settings settings;
};

struct spool_complaint {
	size_t line;
	char *text; /* owned */
};

struct spool_import {
	struct spool_import_entry *v; /* owned */
	size_t n, cap;
	bool dry_run; /* looks for errors, changes nothing */
	/* what came of it */
	size_t added, changed;
	struct spool_complaint *wrong; /* owned */
	size_t wrong_n, wrong_cap;
};

void spool_import_free(struct spool_import *m);
/* An entry at the end, to be filled; valid until the next one. */
struct spool_import_entry *spool_import_entry(
	struct spool_import *m, struct str name, size_t line);
void spool_import_complain(struct spool_import *m, size_t line, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));
/* What is wrong among the entries: names and domains given twice, no domain. */
void spool_import_check(struct spool_import *m);

/*
 * A spool_fn; ARG is the struct spool_import. ERR_INVALID: an entry does not
 * fit what is there (see WRONG, which grows), or it was a dry run; nothing is
 * changed then.
 */
enum err_code spool_import_write(struct spool_txn *t, void *arg, struct err *e);

#endif
