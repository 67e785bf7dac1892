#include "net/resolve.h"

#ifdef TIDEPOST_UNBOUND

#include "net/loop_private.h"

#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

enum {
	CLASS_IN = 1,
	RCODE_NOERROR = 0,
	RCODE_NXDOMAIN = 3,
};

struct resolver {
	struct loop *loop;
	struct ub_ctx *ub;
	struct event *readable;
	unsigned open; /* questions */
};

struct question {
	struct resolver *r;
	resolve_fn *fn;
	void *arg;
	int id; /* of libunbound; 0: it has answered or never heard of it */
	const char *failed; /* it could not be asked at all */
	struct loop_timer *late;
};

bool
resolver_is_there(void)
{
	return true;
}

const char *
resolver_library(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "unbound %s", ub_version());
	return text;
}

/* --- the context --- */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;

	(void)fd;
	(void)what;
	ub_process(r->ub);
}

static int
set_servers(struct resolver *r, const struct resolver_conf *conf)
{
	int rc;

	if (!conf->server)
		return ub_ctx_resolvconf(r->ub, NULL);
	/* A server on this host is as good as any. */
	rc = ub_ctx_set_option(r->ub, "do-not-query-localhost:", "no");
	return rc ? rc : ub_ctx_set_fwd(r->ub, conf->server);
}

static enum err_code
set_up(struct resolver *r, const struct resolver_conf *conf, struct err *e)
{
	int rc = set_servers(r, conf);

	if (rc != 0)
		return err_set(e, ERR_CONFIG, "name service %s: %s",
			conf->server ? conf->server : "/etc/resolv.conf",
			ub_strerror(rc));
	if (conf->root_key) {
		rc = ub_ctx_add_ta_file(r->ub, conf->root_key);
		if (rc != 0)
			return err_set(e, ERR_CONFIG, "keys of the root %s: %s",
				conf->root_key, ub_strerror(rc));
	}
	ub_ctx_async(r->ub, 1); /* a thread, no process */
	return OK;
}

enum err_code
resolver_new(struct loop *loop, const struct resolver_conf *conf,
	struct resolver **resolver_r, struct err *e)
{
	struct resolver *r = xcalloc(1, sizeof(*r));
	enum err_code rc = ERR_NOMEM;

	*resolver_r = NULL;
	r->loop = loop;
	r->ub = ub_ctx_create();
	if (r->ub)
		rc = set_up(r, conf, e);
	else
		err_set(e, rc, "libunbound cannot start");
	if (rc != OK) {
		resolver_free(r);
		return rc;
	}
	r->readable = event_new(loop_base(loop), ub_fd(r->ub),
		EV_READ | EV_PERSIST, on_readable, r);
	event_add(r->readable, NULL);
	*resolver_r = r;
	return OK;
}

void
resolver_free(struct resolver *r)
{
	if (!r)
		return;
	if (r->readable)
		event_free(r->readable);
	if (r->ub)
		ub_ctx_delete(r->ub);
	free(r);
}

/* --- questions --- */

static void
question_free(struct question *q)
{
	loop_timer_free(q->late);
	q->r->open--;
	free(q);
}

static void
tell(struct question *q, const struct answer *a)
{
	resolve_fn *fn = q->fn;
	void *arg = q->arg;

	question_free(q);
	fn(arg, a);
}

static void
tell_trouble(struct question *q, const char *why)
{
	tell(q, &(struct answer){.kind = ANSWER_TROUBLE, .why = why});
}

static size_t
records_of(const struct ub_result *result,
	struct str records_r[RESOLVE_RECORDS_MAX])
{
	size_t n = 0;

	while (n < RESOLVE_RECORDS_MAX && result->data && result->data[n]) {
		records_r[n] =
			(struct str){result->data[n], (size_t)result->len[n]};
		n++;
	}
	return n;
}

static void
tell_result(struct question *q, const struct ub_result *result)
{
	struct str records[RESOLVE_RECORDS_MAX];
	struct answer a = {.secure = result->secure, .records = records};

	if (result->bogus) {
		tell_trouble(q, "the answer is not signed as it should be");
		return;
	}
	if (result->rcode == RCODE_NXDOMAIN) {
		a.kind = ANSWER_NO_NAME;
	} else if (result->rcode != RCODE_NOERROR) {
		tell_trouble(q, "the name server could not answer");
		return;
	} else {
		a.records_n = records_of(result, records);
		a.kind = a.records_n ? ANSWER_RECORDS : ANSWER_EMPTY;
	}
	tell(q, &a);
}

static void
on_answer(void *arg, int code, struct ub_result *result)
{
	struct question *q = arg;

	q->id = 0;
	if (code != 0 || !result)
		tell_trouble(q, "no name server answers");
	else
		tell_result(q, result);
	ub_resolve_free(result);
}

static void
on_late(void *arg)
{
	struct question *q = arg;

	if (q->id)
		ub_cancel(q->r->ub, q->id);
	tell_trouble(q, q->failed ? q->failed : "no name server answers");
}

struct question *
resolve_ask(struct resolver *r, const char *name, enum record_type type,
	resolve_fn *fn, void *arg)
{
	struct question *q = xcalloc(1, sizeof(*q));
	int rc;

	q->r = r;
	q->fn = fn;
	q->arg = arg;
	q->late = loop_timer_new(r->loop, on_late, q);
	r->open++;
	rc = ub_resolve_async(
		r->ub, name, (int)type, CLASS_IN, q, on_answer, &q->id);
	if (rc != 0) {
		q->id = 0;
		q->failed = ub_strerror(rc);
	}
	loop_timer_set(q->late, rc == 0 ? RESOLVE_MAX_MS : 0);
	return q;
}

void
resolve_cancel(struct question *q)
{
	if (!q)
		return;
	if (q->id)
		ub_cancel(q->r->ub, q->id);
	question_free(q);
}

bool
resolve_name(const char *domain, char *out, size_t size)
{
	char *ascii = NULL;
	size_t n;
	bool ok;

	if (idn2_lookup_u8((const uint8_t *)domain, (uint8_t **)&ascii,
		    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	n = strlen(ascii);
	if (n && ascii[n - 1] == '.')
		ascii[--n] = '\0';
	ok = n > 0 && str_copyz(out, size, ascii);
	idn2_free(ascii);
	return ok;
}

#else

#include <stddef.h>

bool
resolver_is_there(void)
{
	return false;
}

const char *
resolver_library(void)
{
	return NULL;
}

enum err_code
resolver_new(struct loop *loop, const struct resolver_conf *conf,
	struct resolver **resolver_r, struct err *e)
{
	(void)loop;
	(void)conf;
	*resolver_r = NULL;
	return err_set(e, ERR_UNSUPPORTED,
		"delivery by MX is not in this program: it was built without "
		"libunbound");
}

void
resolver_free(struct resolver *r)
{
	(void)r;
}

/* There is no resolver to ask. */
struct question *
resolve_ask(struct resolver *r, const char *name, enum record_type type,
	resolve_fn *fn, void *arg)
{
	(void)r;
	(void)name;
	(void)type;
	(void)fn;
	(void)arg;
	return NULL;
}

void
resolve_cancel(struct question *q)
{
	(void)q;
}

bool
resolve_name(const char *domain, char *out, size_t size)
{
	return str_copyz(out, size, domain);
}

#endif
