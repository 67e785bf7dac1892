/*
 * What the spool has to do before ATRN is answered, beside the mail of many
 * other customers.
 *
 *	customers FOLDER CUSTOMERS MESSAGES
 *
 * Makes a spool with MESSAGES for CUSTOMERS, evenly; the mail of every tenth
 * customer was tried once and is deferred, so that it must be made due first.
 * Then a hundred customers call: wake, is anything due, the first claim, each
 * with its commit.
 *
 * Prints for ready and for deferred mail: median and worst ms of the look
 * (what the reply to ATRN waits for) and of the first claim.
 */
#include "spool/queue.h"
#include "spool/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOW = 1800000000, BATCH = 1000, SIZE = 500, CALLS = 50, OWNER = 9 };

struct bench {
	struct spool *spool;
	int customers, messages;
	/* the job at hand */
	int64_t from, now;
	char route[32];
	int64_t due;
	bool found;
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
must(struct bench *b, spool_fn *fn, const char *what)
{
	struct err e = {.code = OK};

	if (spool_write(b->spool, fn, b, &e) == OK)
		return;
	fprintf(stderr, "customers: %s: %s\n", what, e.text);
	exit(1);
}

static void
choose(struct bench *b, int customer)
{
	snprintf(b->route, sizeof(b->route), "customer:c%d", customer);
}

/* --- the spool --- */

static enum err_code
add_message(struct spool_txn *t, struct bench *b, int64_t i, struct err *e)
{
	static const char body[SIZE];
	struct spool_message m = {
		.id = i + 1, .received_at = NOW, .size = SIZE};
	struct spool_delivery d = {.state = SPOOL_READY, .queued_at = NOW};
	enum err_code rc;

	snprintf(m.sender, sizeof(m.sender), "s%d@far.example", (int)(i % 997));
	choose(b, (int)(i % b->customers));
	str_copyz(d.route, sizeof(d.route), b->route);
	snprintf(d.recipient, sizeof(d.recipient), "u@c%d.example",
		(int)(i % b->customers));
	rc = spool_body_append(t, m.id, (struct str){body, SIZE}, e);
	return rc == OK ? spool_message_add(t, &m, &d, 1, e) : rc;
}

static enum err_code
add_batch(struct spool_txn *t, void *arg, struct err *e)
{
	struct bench *b = arg;
	enum err_code rc = OK;

	for (int64_t i = b->from;
		i < b->messages && i < b->from + BATCH && rc == OK; i++)
		rc = add_message(t, b, i, e);
	return rc;
}

static enum err_code
claim_one(struct spool_txn *t, void *arg, struct err *e)
{
	struct bench *b = arg;
	const char *routes[] = {b->route};
	struct spool_claim c = {
		.owner = OWNER, .routes = routes, .routes_n = 1, .now = b->now};
	struct spool_claimed got;
	enum err_code rc = spool_claim_next(t, &c, &got, e);

	b->found = rc == OK;
	if (b->found)
		b->from = got.message.id;
	spool_claimed_clear(&got);
	return rc == ERR_NOTFOUND ? OK : rc;
}

static enum err_code
defer_all(struct spool_txn *t, void *arg, struct err *e)
{
	struct bench *b = arg;
	enum err_code rc = claim_one(t, b, e);

	while (rc == OK && b->found) {
		struct spool_outcome o = {.message = b->from,
			.n = 1,
			.owner = OWNER,
			.kind = OUTCOME_DEFERRED,
			.now = NOW,
			.next_attempt = NOW + 600};

		rc = spool_outcome(t, &o, e);
		if (rc == OK)
			rc = claim_one(t, b, e);
	}
	return rc;
}

static void
make_spool(struct bench *b)
{
	for (b->from = 0; b->from < b->messages; b->from += BATCH)
		must(b, add_batch, "add");
	for (int i = 0; i < b->customers; i += 10) {
		choose(b, i);
		must(b, defer_all, "defer");
	}
}

/* --- a call --- */

static enum err_code
look(struct spool_txn *t, void *arg, struct err *e)
{
	struct bench *b = arg;
	enum err_code rc = spool_route_wake(t,
		&(struct spool_wake){.route = b->route,
			.now = b->now,
			.refused_before = b->now - 50},
		NULL, e);

	return rc == OK ? spool_route_due(t, b->route, NULL, b->now, &b->due, e)
			: rc;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One customer in ten, beginning at FIRST. */
static void
call_all(struct bench *b, const char *kind, int first)
{
	double looks[CALLS], claims[CALLS], began;
	int n = 0;

	for (int i = first; i < b->customers && n < CALLS; i += 10, n++) {
		choose(b, i);
		began = now_ms();
		must(b, look, "look");
		looks[n] = now_ms() - began;
		began = now_ms();
		must(b, claim_one, "claim");
		claims[n] = now_ms() - began;
		if (b->due != 0 || !b->found) {
			fprintf(stderr, "customers: nothing for c%d\n", i);
			exit(1);
		}
	}
	qsort(looks, (size_t)n, sizeof(*looks), by_size);
	qsort(claims, (size_t)n, sizeof(*claims), by_size);
	printf("%s %.2f %.2f %.2f %.2f\n", kind, looks[n / 2], looks[n - 1],
		claims[n / 2], claims[n - 1]);
}

int
main(int argc, char **argv)
{
	struct bench b = {.customers = argc > 2 ? atoi(argv[2]) : 0,
		.messages = argc > 3 ? atoi(argv[3]) : 0};
	struct spool_options o = {.create = true, .daemon = true};
	struct err e;

	if (argc != 4 || b.customers < 10 || b.messages < b.customers) {
		fprintf(stderr, "usage: customers FOLDER CUSTOMERS MESSAGES\n");
		return 64;
	}
	o.url = str_printf("sqlite:%s/customers.db", argv[1]);
	if (spool_open(&o, &b.spool, &e) != OK) {
		fprintf(stderr, "customers: %s\n", e.text);
		return 1;
	}
	b.now = NOW;
	make_spool(&b);
	b.now += 60; /* before what is deferred is due by itself */
	call_all(&b, "ready", 1);
	call_all(&b, "deferred", 0);
	spool_close(b.spool);
	free((char *)(uintptr_t)o.url);
	return 0;
}
