#include "spool/types.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const state_names[SPOOL_STATES_N] = {
	[SPOOL_RECEIVING] = "receiving",
	[SPOOL_READY] = "ready",
	[SPOOL_ACTIVE] = "active",
	[SPOOL_DEFERRED] = "deferred",
	[SPOOL_HELD] = "held",
	[SPOOL_DELETED] = "deleted",
};

static const char *const reason_names[] = {
#define SPOOL_REASON_NAME(name, text) [name] = text,
	SPOOL_REASONS(SPOOL_REASON_NAME)
#undef SPOOL_REASON_NAME
};

enum { REASONS_N = sizeof(reason_names) / sizeof(reason_names[0]) };

/* With an argument ("%s") and without. */
static const struct {
	const char *with, *without;
} reason_sentences[REASONS_N] = {
	[REASON_NONE] = {NULL, "may go now"},
	[REASON_LINK_DOWN] = {"waits for link ", "waits for a link"},
	[REASON_WINDOW] = {"waits for the next window of ",
		"waits for the next window"},
	[REASON_BUDGET] = {"no budget left on ", "no budget left"},
	[REASON_SIZE] = {"too large for ", "too large for the link"},
	[REASON_PRIORITY] = {"not urgent enough for ",
		"not urgent enough for the link"},
	[REASON_RETRY_WAIT] = {"", "waits"},
	[REASON_CUSTOMER_CALL] = {"waits until customer ",
		"waits until the customer calls"},
	[REASON_OPERATOR_HOLD] = {"held by ", "held by the operator"},
	[REASON_RULE_HOLD] = {"held: ", "held by a rule"},
	[REASON_RELEASE_TIME] = {"held by its sender until ",
		"held by its sender"},
	[REASON_NO_8BITMIME] = {"8-bit mail, which is not taken by ",
		"8-bit mail, which the peer does not take"},
	[REASON_NO_SMTPUTF8] = {"UTF-8 addresses, which are not taken by ",
		"UTF-8 addresses, which the peer does not take"},
	[REASON_TLS] = {"no secure connection: ", "no secure connection"},
	[REASON_AUTH] = {"login failed: ", "login failed"},
	[REASON_PEER_4XX] = {"the peer said: ", "refused for now"},
	[REASON_DISK] = {"no disk space: ", "no disk space"},
	[REASON_CLOCK] = {"the clock is not trusted: ",
		"the clock is not trusted"},
};

const char *
spool_state_name(enum spool_state state)
{
	return (unsigned)state < SPOOL_STATES_N ? state_names[state] : "";
}

bool
spool_state_parse(struct str name, enum spool_state *state_r)
{
	for (unsigned i = 0; i < SPOOL_STATES_N; i++) {
		if (str_eq_nocase(name, str_of(state_names[i]))) {
			*state_r = (enum spool_state)i;
			return true;
		}
	}
	return false;
}

const char *
spool_reason_name(enum spool_reason reason)
{
	return (unsigned)reason < REASONS_N ? reason_names[reason] : "";
}

bool
spool_reason_parse(struct str name, enum spool_reason *reason_r)
{
	for (unsigned i = 0; i < REASONS_N; i++) {
		if (str_eq_nocase(name, str_of(reason_names[i]))) {
			*reason_r = (enum spool_reason)i;
			return true;
		}
	}
	return false;
}

static bool
reason_names_time(enum spool_reason reason)
{
	return reason == REASON_RETRY_WAIT || reason == REASON_PEER_4XX;
}

/*
 * A reply begins with its code; anything else speaks for itself. Batches wait
 * for a folder.
 */
static const char *
reason_lead(enum spool_reason reason, const char *arg)
{
	if (reason == REASON_NO_8BITMIME &&
		str_starts_nocase(str_of(arg), STR(REASON_BINARY_WORDS)))
		return "";
	if (reason == REASON_RETRY_WAIT && arg[0] >= '2' && arg[0] <= '5')
		return reason_sentences[REASON_PEER_4XX].with;
	if (reason == REASON_LINK_DOWN && arg[0] == '/')
		return "waits for the folder ";
	return reason_sentences[reason].with;
}

void
spool_reason_text(enum spool_reason reason, const char *arg,
	int64_t next_attempt, char *out, size_t size)
{
	char when[CLOCK_TEXT_MAX] = "";
	struct buf text;

	if ((unsigned)reason >= REASONS_N)
		reason = REASON_NONE;
	buf_init(&text, 0);
	if (arg && arg[0] && reason_sentences[reason].with) {
		buf_addz(&text, reason_lead(reason, arg));
		buf_addz(&text, arg);
		if (reason == REASON_CUSTOMER_CALL)
			buf_addz(&text, " calls");
	} else {
		buf_addz(&text, reason_sentences[reason].without);
	}
	if (next_attempt > 0 && reason_names_time(reason)) {
		clock_rfc3339(next_attempt, when);
		buf_addf(&text, "; next try %s", when);
	}
	snprintf(out, size, "%s", buf_z(&text));
	buf_free(&text);
}

void
spool_account_clear(struct spool_account *a)
{
	if (!a)
		return;
	free(a->senders);
	free(a->domains);
	free(a->networks);
	a->senders = a->domains = a->networks = NULL;
}
