/* Of dropbox alone: what its two files share. */
#ifndef DAEMON_DROPBOX_PRIVATE_H
#define DAEMON_DROPBOX_PRIVATE_H

#include "daemon/dropbox.h"
#include "handin/batch.h"
#include "handin/drop.h"

enum {
	DROPBOX_NAMES_MAX = 1000, /* at a time; a round is all of them */
	DROPBOX_FILE_NAME_MAX = 63,
};

struct entry {
	char name[DROPBOX_FILE_NAME_MAX + 1];
	int64_t mtime;
};

/* One file on its way. */
struct dropped {
	char name[DROPBOX_FILE_NAME_MAX + 1];
	int fd;	    /* -1: it cannot be read */
	int socket; /* the helper's end of the session; -1 none */
	unsigned uid;
	bool is_batch;
	bool is_gone;
	char why[200]; /* why it may not be read; "" it may */
	enum err_code code;
	struct batch_result result;
	struct err err;
};

struct dropbox {
	struct node *n;
	struct folder *folder; /* NULL: nothing can be watched */
	bool above; /* it is the one above, for the directory to come */
	struct loop_timer *timer;
	char *path; /* owned */
	int dir;    /* -1: not open */
	bool busy, again, stopping;
	bool later;	       /* this round put something off */
	struct entry past;     /* of this round; no name: it begins */
	struct entry *entries; /* owned: found, not yet looked at from AT on */
	size_t entries_n, at;
	bool more;   /* than ENTRIES are there */
	int64_t now; /* of this look */
	uint64_t size_max;
	bool moved;	 /* the directory is another than before */
	char wrong[200]; /* why nothing is taken from it; "" it is */
	char told[200];	 /* what of that was logged */
	struct dropped file;
};

/*
 * On a helper thread: opens the directory and finds the oldest files behind
 * those of this round that were looked at already.
 */
void dropbox_scan(void *dropbox);

/* Whether a file's name begins with KIND. */
bool dropbox_is(const char *name, const char *kind);

#endif
