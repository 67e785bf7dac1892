/* What a hook is told of an event (tidepost-hooks(7)). */
#ifndef DAEMON_HOOK_FACTS_H
#define DAEMON_HOOK_FACTS_H

#include <stdbool.h>
#include <stdint.h>

enum hook_event {
	HOOK_LINK_UP,
	HOOK_LINK_DOWN,
	HOOK_DRAINED,
	HOOK_MAIL_ARRIVED,
	HOOK_MAIL_FAILED,
	HOOK_BUDGET_REACHED,
	HOOK_STUCK,
	HOOK_WARNING,
	HOOK_EVENTS_N,
};

/* One use of a link: from the start of the call, or since it came up. */
struct hook_use {
	uint64_t bytes_sent, bytes_received; /* as TLS and all, no heads */
	uint64_t messages_sent, messages_received;
	int64_t seconds;
	bool has_cost;
	double cost;
};

/* Text is borrowed; NULL: not applicable. */
struct hook_facts {
	const char *link, *state;
	const char *reason; /* of a warning a word, else a sentence */
	const char *text;   /* a sentence; NULL: REASON is one */
	int64_t message;    /* 0: none */
	const char *sender, *recipient;
	const struct hook_use *use; /* NULL: none */
};

#endif
