#include "tui/linkact.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "faces/allow.h"
#include "faces/linkchange.h"
#include "faces/store.h"
#include "faces/text.h"
#include "outlook/budget.h"
#include "tui/plan.h"
#include "tui/prompt.h"

/* What is asked about; one question at a time. */
struct asked {
	const char *word; /* ACTION_WORD_... */
	char name[SPOOL_NAME_MAX + 1];
	char reason[CONSOLE_INPUT_MAX + 1];
	struct allow allow;
};

static void
say_done(struct console *c)
{
	static const struct {
		const char *word, *done;
	} words[] = {
		{ACTION_WORD_CALL, "called"},
		{ACTION_WORD_HANGUP, "hung up"},
		{ACTION_WORD_DISABLE, "disabled"},
		{ACTION_WORD_ENABLE, "enabled"},
	};

	if (strcmp(c->asked->word, ACTION_WORD_ALLOW) == 0)
		console_say(c, TONE_GOOD, "%s: %s, today and this month",
			c->asked->name, c->asked->allow.text);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].word, c->asked->word) == 0)
			console_say(c, TONE_GOOD, "%s: %s", c->asked->name,
				words[i].done);
	console_refresh(c);
}

static void
done(void *arg, enum err_code code, const struct err *e, int status,
	const char *text, int64_t count)
{
	struct console *c = arg;

	(void)count;
	c->work = NULL;
	if (code != OK)
		console_fail(c, c->asked->name, e);
	else if (status != 0)
		console_say(c, TONE_BAD, "%s: %s", c->asked->name,
			text ? text : "refused");
	else
		say_done(c);
}

/* --- without the daemon --- */

static enum err_code
write_down(struct console *c, struct err *e)
{
	struct link_change change = {.action = c->asked->word,
		.name = c->asked->name,
		.reason = c->asked->reason[0] ? c->asked->reason : NULL};
	bool allow = strcmp(c->asked->word, ACTION_WORD_ALLOW) == 0;
	struct spool *spool = NULL;
	enum err_code code = store_open_alone(c->conf, &spool, e);

	store_who(change.who, sizeof(change.who));
	store_who(c->asked->allow.who, sizeof(c->asked->allow.who));
	c->asked->allow.link = conf_link(c->conf, c->asked->name);
	if (code == OK)
		code = spool_write(spool,
			allow ? allow_in_spool : link_change_in_spool,
			allow ? (void *)&c->asked->allow : (void *)&change, e);
	spool_close(spool);
	return code;
}

static void
do_directly(struct console *c)
{
	struct err e = {0};

	if (strcmp(c->asked->word, ACTION_WORD_CALL) == 0 ||
		strcmp(c->asked->word, ACTION_WORD_HANGUP) == 0)
		console_say(c, TONE_BAD,
			"the daemon is not running: only it calls and hangs "
			"up");
	else if (write_down(c, &e) == OK)
		say_done(c);
	else
		console_fail(c, c->asked->name, &e);
}

/* --- with it --- */

static void
carry_out(struct console *c)
{
	struct request request;
	struct err e = {0};
	enum err_code code;

	if (strcmp(c->asked->word, ACTION_WORD_ALLOW) == 0) {
		allow_request(&c->asked->allow, c->asked->name, &request);
	} else {
		request_init(&request, VERB_LINK, c->asked->word);
		request_add(&request, KEY_NAME, c->asked->name);
		if (c->asked->reason[0])
			request_add(&request, KEY_REASON, c->asked->reason);
	}
	code = console_work(c, &request, done, &e);
	request_free(&request);
	if (code == ERR_CLOSED)
		do_directly(c);
	else if (code != OK)
		console_fail(c, c->asked->name, &e);
}

static void
confirmed(struct console *c, const char *input)
{
	if (input)
		carry_out(c);
	else
		console_say(c, TONE_PLAIN, "nothing done");
}

/* --- asking --- */

static void
ask_call(struct console *c)
{
	struct buf q;

	buf_init(&q, 0);
	buf_addf(&q, "Call %s? ", c->asked->name);
	plan_summary(c, c->asked->name, &q);
	prompt_yes(c, buf_z(&q), confirmed);
	buf_free(&q);
}

static void
reason_given(struct console *c, const char *input)
{
	char question[CONSOLE_NOTE_MAX];

	if (!input) {
		confirmed(c, NULL);
		return;
	}
	str_copyz(c->asked->reason, sizeof(c->asked->reason), input);
	snprintf(question, sizeof(question),
		"Disable %s? A call that runs ends; nothing uses the link "
		"until it is enabled.",
		c->asked->name);
	prompt_yes(c, question, confirmed);
}

/* "10m", "500K" or "2.50": whichever it is. */
static bool
parse_allowed(struct console *c, const char *input, struct err *e)
{
	struct str text = str_of(input);
	char last = text.n ? text.p[text.n - 1] : '\0';
	bool time = last && strchr("smhd", last);
	bool size = last && strchr("KMG", last);

	c->asked->allow = (struct allow){.link = NULL};
	return allow_parse(time ? input : NULL, size ? input : NULL,
		       time || size ? NULL : input, &c->asked->allow, e) == OK;
}

static void
amount_given(struct console *c, const char *input)
{
	char question[CONSOLE_NOTE_MAX];
	struct err e = {0};

	if (!input || !*input) {
		confirmed(c, NULL);
		return;
	}
	if (!parse_allowed(c, input, &e)) {
		console_say(c, TONE_BAD,
			"%.40s: not a duration (10m), a size (500K) or money "
			"(2.50)",
			input);
		return;
	}
	snprintf(question, sizeof(question),
		"Allow %s: %s, today and this month?", c->asked->name,
		c->asked->allow.text);
	prompt_yes(c, question, confirmed);
}

static void
begin_allow(struct console *c)
{
	const struct conf_link *link = conf_link(c->conf, c->asked->name);

	if (!link || !outlook_has_budget(link))
		console_say(c, TONE_WARN, "link %s has no budget to raise",
			c->asked->name);
	else
		prompt_line(c, "how much more (10m, 500K, 2.50):", NULL, NULL,
			amount_given);
}

bool
linkact(struct console *c, enum tui_request r, const char *name)
{
	char question[CONSOLE_NOTE_MAX];

	if (r != REQUEST_CALL && r != REQUEST_HANGUP && r != REQUEST_DISABLE &&
		r != REQUEST_ENABLE && r != REQUEST_ALLOW)
		return false;
	if (!name || c->work || c->job) {
		console_say(c, TONE_WARN, "%s",
			name ? "the last action is still under way"
			     : "no link in this row");
		return true;
	}
	if (!c->asked)
		c->asked = xcalloc(1, sizeof(*c->asked));
	str_copyz(c->asked->name, sizeof(c->asked->name), name);
	c->asked->reason[0] = '\0';
	if (r == REQUEST_CALL) {
		c->asked->word = ACTION_WORD_CALL;
		ask_call(c);
	} else if (r == REQUEST_HANGUP) {
		c->asked->word = ACTION_WORD_HANGUP;
		snprintf(question, sizeof(question),
			"Hang up %s? What is under way stops; nothing is lost.",
			name);
		prompt_yes(c, question, confirmed);
	} else if (r == REQUEST_DISABLE) {
		c->asked->word = ACTION_WORD_DISABLE;
		prompt_line(c, "reason, for others to see:", NULL, NULL,
			reason_given);
	} else if (r == REQUEST_ENABLE) {
		c->asked->word = ACTION_WORD_ENABLE;
		snprintf(question, sizeof(question),
			"Enable %s? It may be called by itself again.", name);
		prompt_yes(c, question, confirmed);
	} else {
		c->asked->word = ACTION_WORD_ALLOW;
		begin_allow(c);
	}
	return true;
}
