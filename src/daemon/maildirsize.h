/*
 * Maildir++ quota: the file "maildirsize" in a Maildir, which every program
 * that puts mail there or takes it out keeps up to date. Its first line is the
 * quota ("10000000S,1000C"), each other one what was added ("4321 1").
 *
 * It is made, or counted anew, where it is missing, too long, not
 * understood, of another quota than ours, or where it says that the mailbox is
 * full (RFC 5321 has no word on it; the format is that of Courier, Dovecot and
 * others). Mail in .Trash does not count.
 */
#ifndef DAEMON_MAILDIRSIZE_H
#define DAEMON_MAILDIRSIZE_H

#include "base/err.h"

#include <stdint.h>

/*
 * One delivery to FOLDER at a time asks, writes and adds, else two could have
 * the same room. Close what is given; -1: there is no quota, or no lock. Waits
 * for another one for 2 seconds at most, then it goes without.
 */
int maildirsize_lock(const char *folder, uint64_t quota);
/*
 * Have SIZE octets more room in FOLDER? QUOTA, octets, goes before what the
 * file says; 0: only that counts, and without a file there is no quota.
 * ERR_LIMIT: no.
 */
enum err_code maildirsize_ask(
	const char *folder, uint64_t quota, uint64_t size, struct err *e);
/* They are there now. Best effort: the next count makes it right. */
void maildirsize_add(const char *folder, uint64_t size);

#endif
