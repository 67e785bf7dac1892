/*
 * What a person should look at, told to the `warning` hooks: a clock that is
 * not trusted and a disk that is nearly full, which are looked at once a
 * minute, and what others tell: certificates that end, logins that are slowed
 * or refused, a drop directory that nothing is taken from. The same sentence is
 * told again after an hour at the earliest.
 */
#ifndef DAEMON_ALARM_H
#define DAEMON_ALARM_H

#include "daemon/node.h"

/* TIDEPOST_REASON of tidepost-hooks(7). */
#define ALARM_CLOCK "clock"
#define ALARM_CERTIFICATE "certificate"
#define ALARM_LOGIN "login"
#define ALARM_DISK "disk"
#define ALARM_DROP "drop"

enum {
	ALARM_EVERY_MS = 60000,
	ALARM_AGAIN_MS = 3600000,
	ALARM_REMEMBERED = 64, /* sentences */
	ALARM_TEXT_MAX = 600,
};

struct alarm;

struct alarm *alarm_new(struct node *n);
void alarm_free(struct alarm *a); /* NULL is fine */
/* REASON: ALARM_..., TEXT: a sentence; the log has it already. */
void alarm_tell(struct alarm *a, const char *reason, const char *text);

#endif
