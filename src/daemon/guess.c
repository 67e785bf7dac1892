#include "daemon/guess.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/alarm.h"
#include "sched/rate.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUESS_KEY_MAX = 64 };

struct guess {
	struct node *n;
	struct rate *clients, *accounts;
	struct list_node lanes;
};

/* The sessions of one address that wait for their turn. */
struct guess_lane {
	struct list_node node; /* in lanes */
	struct guess *g;
	char key[GUESS_KEY_MAX];
	struct list_node waits;	  /* first come, first told */
	struct loop_timer *timer; /* to the next turn */
};

struct guess_wait {
	struct list_node node; /* in waits */
	guess_fn *fn;
	void *arg;
};

struct guess *
guess_new(struct node *n)
{
	struct guess *g = xcalloc(1, sizeof(*g));

	g->n = n;
	g->clients = rate_new();
	g->accounts = rate_new();
	list_init(&g->lanes);
	return g;
}

static void
free_lane(struct guess_lane *lane)
{
	LIST_EACH(node, next, &lane->waits)
	list_remove(node); /* it is freed by who waits */
	list_remove(&lane->node);
	loop_timer_free(lane->timer);
	free(lane);
}

void
guess_free(struct guess *g)
{
	if (!g)
		return;
	LIST_EACH(node, next, &g->lanes)
	free_lane(LIST_ITEM(node, struct guess_lane, node));
	rate_free(g->clients);
	rate_free(g->accounts);
	free(g);
}

/* Of IPv6 the /64: who has one address there has all of them. */
static void
key_of(const char *address, char key[GUESS_KEY_MAX])
{
	struct in6_addr six;

	if (inet_pton(AF_INET6, address, &six) != 1) {
		str_copyz(key, GUESS_KEY_MAX, address);
		return;
	}
	memset(six.s6_addr + 8, 0, 8);
	if (!inet_ntop(AF_INET6, &six, key, GUESS_KEY_MAX))
		key[0] = '\0';
}

/* --- counting --- */

void
guess_count(struct guess *g, const char *address, const char *account)
{
	const struct conf *conf = g->n->conf;
	uint64_t now = clock_mono_ms();
	char key[GUESS_KEY_MAX];
	unsigned unused;

	key_of(address, key);
	if (key[0])
		rate_take(g->clients, key,
			conf->limits.auth_failures_per_client, now, &unused);
	if (account[0])
		rate_take(g->accounts, account,
			conf->limits.auth_failures_per_account, now, &unused);
}

bool
guess_is_hunted(const struct guess *g, const char *account)
{
	return account[0] &&
	       !rate_has(g->accounts, account,
		       g->n->conf->limits.auth_failures_per_account,
		       clock_mono_ms());
}

/* --- turns --- */

static struct guess_lane *
find_lane(struct guess *g, const char *key)
{
	LIST_EACH(node, next, &g->lanes)
	{
		struct guess_lane *lane =
			LIST_ITEM(node, struct guess_lane, node);

		if (strcmp(lane->key, key) == 0)
			return lane;
	}
	return NULL;
}

static void
pace(struct guess_lane *lane)
{
	loop_timer_set(
		lane->timer, (uint64_t)lane->g->n->conf->limits.auth_pace_ms);
}

/* The next one's turn; a lane where nobody came for a pace is done. */
static void
next_turn(void *arg)
{
	struct guess_lane *lane = arg;
	struct guess_wait *w;
	guess_fn *fn;
	void *fn_arg;

	if (list_empty(&lane->waits)) {
		free_lane(lane);
		return;
	}
	pace(lane);
	w = LIST_ITEM(lane->waits.next, struct guess_wait, node);
	fn = w->fn;
	fn_arg = w->arg;
	guess_wait_end(w);
	fn(fn_arg);
}

static void
open_lane(struct guess *g, const char *key)
{
	struct guess_lane *lane = xcalloc(1, sizeof(*lane));
	char text[GUESS_KEY_MAX + 60];

	log_warning("auth-slowed", LOG_STR("peer", key),
		LOG_STR("why", "too many wrong logins"));
	snprintf(text, sizeof(text),
		"too many wrong logins from %s: its logins are slowed", key);
	alarm_tell(g->n->alarm, ALARM_LOGIN, text);
	lane->g = g;
	str_copyz(lane->key, sizeof(lane->key), key);
	list_init(&lane->waits);
	lane->timer = loop_timer_new(g->n->loop, next_turn, lane);
	list_push(&g->lanes, &lane->node);
	pace(lane);
}

static struct guess_wait *
queue_up(struct guess_lane *lane, guess_fn *fn, void *arg)
{
	struct guess_wait *w = xcalloc(1, sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	list_push(&lane->waits, &w->node);
	return w;
}

struct guess_wait *
guess_wait(struct guess *g, const char *address, guess_fn *fn, void *arg)
{
	struct guess_lane *lane;
	char key[GUESS_KEY_MAX];

	key_of(address, key);
	lane = find_lane(g, key);
	if (lane)
		return queue_up(lane, fn, arg);
	if (key[0] && !rate_has(g->clients, key,
			      g->n->conf->limits.auth_failures_per_client,
			      clock_mono_ms()))
		open_lane(g, key);
	return NULL;
}

void
guess_wait_end(struct guess_wait *w)
{
	if (!w)
		return;
	list_remove(&w->node);
	free(w);
}
