#include "daemon/certwatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "cert/cert.h"
#include "daemon/alarm.h"
#include "net/tls.h"
#include "spool/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CERTWATCH_EVERY_MS = 86400000,
	CERTWATCH_MAX = 100, /* warnings; what is more is not told */
	CERTWATCH_TEXT_MAX = 400,
	DAY_S = 86400,
};

struct warnings {
	char (*v)[CERTWATCH_TEXT_MAX]; /* owned; CERTWATCH_MAX */
	size_t n;
};

struct certwatch {
	struct node *n;
	struct loop_timer *timer;
	struct warnings now;
};

static bool
ends_soon(int64_t ends, int64_t now)
{
	return ends && ends < now + (int64_t)CERTWATCH_DAYS * DAY_S;
}

static void
warn(struct warnings *w, const char *what, const char *which, int64_t ends,
	int64_t now)
{
	char date[CLOCK_TEXT_MAX];

	if (!ends_soon(ends, now) || w->n == CERTWATCH_MAX)
		return;
	clock_rfc3339(ends, date);
	snprintf(w->v[w->n++], CERTWATCH_TEXT_MAX, "%s %.200s %s on %s", what,
		which, ends < now ? "ended" : "ends", date);
}

static bool
is_among(const struct warnings *w, const char *text)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i], text) == 0)
			return true;
	return false;
}

static void
warnings_init(struct warnings *w)
{
	w->v = xcalloc(CERTWATCH_MAX, sizeof(*w->v));
	w->n = 0;
}

/* --- looking --- */

struct look_job {
	struct certwatch *w;
	const struct conf *conf; /* lives as long as the node */
	int64_t now;
	struct warnings found;
	bool renewed;
	struct err why; /* it was not; empty: no need */
};

static void
look_at_file(struct look_job *j, const char *file)
{
	struct tls_certificate c;

	if (file && tls_certificate_read(file, &c))
		warn(&j->found, "our certificate", file, c.ends, j->now);
}

/* Ours, where it is from the authority that cert make made. */
static void
renew(struct look_job *j)
{
	struct cert_files f;

	if (!j->conf->tls.certificate || !j->conf->tls.key)
		return;
	cert_files_set(&f, j->conf->tls.certificate, j->conf->tls.key);
	if (cert_renew(&f, j->now, &j->renewed, &j->why) == OK)
		j->why.text[0] = '\0';
	cert_files_free(&f);
}

/* Files are read here too: the loop never waits for a disk. */
static enum err_code
look_at_all(struct spool_txn *t, void *arg, struct err *e)
{
	struct look_job *j = arg;
	struct spool_trust trust;

	j->found.n = 0;
	if (!j->renewed)
		renew(j);
	look_at_file(j, j->conf->tls.certificate);
	for (size_t i = 0; i < j->conf->peers_n; i++) {
		const struct conf_peer *p = &j->conf->peers[i];
		enum err_code rc =
			spool_trust_get(t, p->name, j->now, &trust, e);

		if (rc != OK)
			return rc;
		look_at_file(j, p->certificate);
		if (p->tls != TLS_NONE)
			warn(&j->found, "the certificate of peer", p->name,
				trust.ends, j->now);
	}
	return OK;
}

static void
tell(struct certwatch *w, const char *text)
{
	log_warning("certificate-ends", LOG_STR("text", text));
	alarm_tell(w->n->alarm, ALARM_CERTIFICATE, text);
}

/* Sessions from now on show the new one. */
static void
take_renewed(struct certwatch *w, const struct look_job *j)
{
	struct err e;

	if (j->why.text[0])
		log_error(
			"certificate-not-renewed", LOG_STR("why", j->why.text));
	if (!j->renewed)
		return;
	log_info("certificate-renewed",
		LOG_STR("file", j->conf->tls.certificate));
	node_reload(w->n, &e);
}

static void
looked(void *arg, enum err_code code, const struct err *e)
{
	struct look_job *j = arg;
	struct certwatch *w = j->w;
	struct warnings old = w->now;

	if (code == OK) {
		w->now = j->found;
		for (size_t i = 0; i < j->found.n; i++)
			if (!is_among(&old, j->found.v[i]))
				tell(w, j->found.v[i]);
		free(old.v);
	} else {
		log_warning(
			"certificates-not-checked", LOG_STR("why", e->text));
		free(j->found.v);
	}
	if (!w->n->stopping)
		take_renewed(w, j);
	free(j);
}

void
certwatch_look(struct certwatch *w)
{
	struct look_job *j;

	if (!w || w->n->stopping)
		return;
	j = xcalloc(1, sizeof(*j));
	j->w = w;
	j->conf = w->n->conf;
	j->now = clock_sane_s();
	warnings_init(&j->found);
	/* By the writer: behind what a session has just told of a peer. */
	spool_submit(w->n->spool, look_at_all, looked, j);
}

void
certwatch_seen(struct certwatch *w, int64_t ends)
{
	if (w && (w->now.n || ends_soon(ends, clock_sane_s())))
		certwatch_look(w);
}

static void
on_timer(void *arg)
{
	struct certwatch *w = arg;

	w->now.n = 0; /* said again each day */
	certwatch_look(w);
	loop_timer_set(w->timer, CERTWATCH_EVERY_MS);
}

struct certwatch *
certwatch_new(struct node *n)
{
	struct certwatch *w = xcalloc(1, sizeof(*w));

	w->n = n;
	warnings_init(&w->now);
	w->timer = loop_timer_new(n->loop, on_timer, w);
	loop_timer_set(w->timer, 0);
	return w;
}

const char *
certwatch_warning(const struct certwatch *w, size_t i)
{
	return w && i < w->now.n ? w->now.v[i] : NULL;
}

void
certwatch_free(struct certwatch *w)
{
	if (!w)
		return;
	loop_timer_free(w->timer);
	free(w->now.v);
	free(w);
}
