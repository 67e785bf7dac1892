/*
 * Putting one message into a Maildir: written into tmp, synced, linked into
 * new, the folder synced. Never half a message; and since the name derives
 * from the delivery and is looked for first, never twice.
 */
#ifndef DAEMON_MAILDIR_H
#define DAEMON_MAILDIR_H

#include "spool/queue.h"

enum { MAILDIR_PATH_MAX = 1024 };

struct maildir_job {
	struct spool *spool;
	const char *pattern;  /* "/var/mail/{domain}/{user}" */
	const char *hostname; /* part of the file's name */
	const char *sender;   /* for Return-Path */
	int64_t id;
	unsigned n;
	int64_t received_at;
	const char *recipient;
	const char *fallback_domain; /* where the recipient has none */
	bool look_in_cur; /* it may have been delivered before a restart */
};

/* Can RECIPIENT's local part be the name of a folder? */
bool maildir_can_hold(const struct mailbox *recipient);

/*
 * Blocking; for a helper thread. ERR_INVALID: the recipient cannot be a
 * folder's name (permanent); anything else is the disk's trouble.
 */
enum err_code maildir_deliver(const struct maildir_job *j, struct err *e);

#endif
