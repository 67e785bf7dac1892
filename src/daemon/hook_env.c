#include "daemon/hook_env.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOOK_ENV_MAX = 16, HOOK_NAME_MAX = 40 };

static const char *const events[HOOK_EVENTS_N] = {
	[HOOK_LINK_UP] = "link-up",
	[HOOK_LINK_DOWN] = "link-down",
	[HOOK_DRAINED] = "drained",
	[HOOK_MAIL_ARRIVED] = "mail-arrived",
	[HOOK_MAIL_FAILED] = "mail-failed",
	[HOOK_BUDGET_REACHED] = "budget-reached",
	[HOOK_STUCK] = "stuck",
	[HOOK_WARNING] = "warning",
};

const char *
hook_event_name(enum hook_event what)
{
	return events[what];
}

const char *
hook_event_find(const char *name)
{
	for (size_t i = 0; i < HOOK_EVENTS_N; i++)
		if (strcmp(events[i], name) == 0)
			return events[i];
	return NULL;
}

struct env {
	char **v;
	size_t n;
};

/* C0 and DEL; C1 where it is UTF-8: terminals obey it, too. */
static void
tame(char *z)
{
	for (unsigned char *p = (unsigned char *)z; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

static void
add(struct env *env, const char *name, const char *value)
{
	char text[HOOK_NAME_MAX + HOOK_VALUE_MAX + 2];

	snprintf(text, sizeof(text), "%.*s=%.*s", HOOK_NAME_MAX, name,
		HOOK_VALUE_MAX, value ? value : "");
	tame(text);
	env->v[env->n++] = str_dupz(text);
}

static void __attribute__((format(printf, 3, 4)))
addf(struct env *env, const char *name, const char *fmt, ...)
{
	char value[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	add(env, name, value);
}

/* All of them, so that a script need not ask which are set. */
static void
add_use(struct env *env, const struct hook_use *use)
{
	static const char *const names[] = {"TIDEPOST_BYTES_SENT",
		"TIDEPOST_BYTES_RECEIVED", "TIDEPOST_MESSAGES_SENT",
		"TIDEPOST_MESSAGES_RECEIVED"};
	const struct hook_use none = {.has_cost = false};
	const struct hook_use *u = use ? use : &none;
	const uint64_t values[] = {u->bytes_sent, u->bytes_received,
		u->messages_sent, u->messages_received};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (use)
			addf(env, names[i], "%" PRIu64, values[i]);
		else
			add(env, names[i], "");
	if (use)
		addf(env, "TIDEPOST_SECONDS", "%" PRId64, u->seconds);
	else
		add(env, "TIDEPOST_SECONDS", "");
	if (u->has_cost)
		addf(env, "TIDEPOST_COST", "%.2f", u->cost);
	else
		add(env, "TIDEPOST_COST", "");
}

char **
hook_env_facts(const struct hook_facts *f)
{
	struct env env = {.v = xcalloc(HOOK_ENV_MAX, sizeof(char *))};

	add(&env, "TIDEPOST_LINK", f->link);
	add(&env, "TIDEPOST_STATE", f->state);
	add(&env, "TIDEPOST_REASON", f->reason);
	add(&env, "TIDEPOST_TEXT", f->text ? f->text : f->reason);
	if (f->message)
		addf(&env, "TIDEPOST_MESSAGE", "%" PRId64, f->message);
	else
		add(&env, "TIDEPOST_MESSAGE", "");
	add(&env, "TIDEPOST_SENDER", f->sender);
	add(&env, "TIDEPOST_RECIPIENT", f->recipient);
	add_use(&env, f->use);
	return env.v;
}

bool
hook_env_is_fact(const char *row)
{
	static const char *const names[] = {"LINK", "STATE", "REASON", "TEXT",
		"MESSAGE", "SENDER", "RECIPIENT", "BYTES_SENT",
		"BYTES_RECEIVED", "MESSAGES_SENT", "MESSAGES_RECEIVED",
		"SECONDS", "COST"};
	static const char prefix[] = "TIDEPOST_";
	struct str value, name = str_cut(str_of(row), '=', &value);

	if (!strchr(row, '=') || value.n > HOOK_VALUE_MAX ||
		strncmp(row, prefix, sizeof(prefix) - 1) != 0)
		return false;
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
			return false;
	name = str_skip(name, sizeof(prefix) - 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq(name, str_of(names[i])))
			return true;
	return false;
}

void
hook_env_free(char **env)
{
	for (size_t i = 0; env && env[i]; i++)
		free(env[i]);
	free(env);
}
