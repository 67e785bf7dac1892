#include "outlook/facts_json.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

void
facts_json_text(struct json *j, const struct record *r, const char *key)
{
	json_word(j, key, facts_text(r, key));
}

void
facts_json_int(struct json *j, const struct record *r, const char *key)
{
	int64_t value;

	if (r && record_get_int(r, key, &value))
		json_int(j, key, value);
	else
		json_null(j, key);
}

void
facts_json_time(struct json *j, const struct record *r, const char *key)
{
	json_time(j, key, facts_int(r, key));
}

static const struct record *
first(const struct facts *f, const char *kind)
{
	size_t at = 0;

	return facts_next(f, kind, &at);
}

static void
json_budget(struct json *j, const struct record *r, const char *period)
{
	static const char *const whats[] = {"seconds", "bytes", "cost"};

	json_object(j, period);
	for (size_t i = 0; i < sizeof(whats) / sizeof(*whats); i++) {
		char key[RECORD_KEY_MAX + 1];
		const char *text;

		snprintf(key, sizeof(key), "left_%s_%s", period, whats[i]);
		text = record_get(r, key);
		if (text)
			json_real(j, whats[i], strtod(text, NULL));
		else
			json_null(j, whats[i]);
	}
	json_end(j);
}

void
facts_json_link(struct json *j, const struct record *r)
{
	facts_json_text(j, r, KEY_NAME);
	facts_json_text(j, r, KEY_STATE);
	facts_json_time(j, r, KEY_SINCE);
	facts_json_text(j, r, KEY_INTERFACE);
	json_bool(j, KEY_VERIFIED, facts_int(r, KEY_VERIFIED) != 0);
	facts_json_text(j, r, KEY_REASON);
	facts_json_int(j, r, KEY_BYTES_SENT);
	facts_json_int(j, r, KEY_BYTES_RECEIVED);
	facts_json_int(j, r, KEY_WAITING_MESSAGES);
	facts_json_int(j, r, KEY_WAITING_BYTES);
	json_object(j, "budget_left");
	json_budget(j, r, "session");
	json_budget(j, r, "day");
	json_budget(j, r, "month");
	json_end(j);
	facts_json_time(j, r, KEY_NEXT_WINDOW);
}

static void
json_listener(struct json *j, const struct record *r)
{
	facts_json_text(j, r, KEY_NAME);
	facts_json_text(j, r, KEY_ADDRESS);
	facts_json_int(j, r, KEY_PORT);
}

static void
json_session(struct json *j, const struct record *r)
{
	facts_json_text(j, r, KEY_ID);
	facts_json_text(j, r, KEY_PEER);
	facts_json_text(j, r, KEY_LINK);
	facts_json_text(j, r, KEY_ROLE);
	facts_json_text(j, r, KEY_STATE);
	facts_json_text(j, r, KEY_MESSAGE);
	facts_json_int(j, r, KEY_BYTES_DONE);
	facts_json_int(j, r, KEY_BYTES_TOTAL);
	facts_json_time(j, r, KEY_SINCE);
}

static void
json_each(struct json *j, const struct facts *f, const char *key,
	const char *kind, void (*fill)(struct json *, const struct record *))
{
	const struct record *r;
	size_t at = 0;

	json_array(j, key);
	while ((r = facts_next(f, kind, &at))) {
		json_object(j, NULL);
		fill(j, r);
		json_end(j);
	}
	json_end(j);
}

static void
json_node(struct json *j, const struct facts *f)
{
	const struct record *node = first(f, KIND_NODE);

	facts_json_text(j, node, KEY_HOSTNAME);
	facts_json_text(j, node, KEY_VERSION);
	json_bool(j, "running", f->running);
	facts_json_int(j, node, KEY_PID);
	facts_json_int(j, node, KEY_UPTIME);
	facts_json_text(j, node, KEY_CLOCK);
	if (record_get(node, KEY_CLOCK_OFF))
		json_int(j, KEY_CLOCK_OFF, facts_int(node, KEY_CLOCK_OFF));
	else
		json_null(j, KEY_CLOCK_OFF);
	facts_json_text(j, node, KEY_SANDBOX);
}

static void
json_queue(struct json *j, const struct record *queue)
{
	json_object(j, "queue");
	facts_json_int(j, queue, KEY_READY);
	facts_json_int(j, queue, KEY_DEFERRED);
	facts_json_int(j, queue, KEY_HELD);
	facts_json_int(j, queue, KEY_ACTIVE);
	facts_json_int(j, queue, KEY_BYTES);
	json_end(j);
}

static void
json_warnings(struct json *j, const struct facts *f)
{
	const struct record *r;
	size_t at = 0;

	json_array(j, "warnings");
	while ((r = facts_next(f, KIND_WARNING, &at)))
		json_text(j, NULL, facts_text(r, KEY_TEXT));
	json_end(j);
}

void
facts_json(struct json *j, const struct facts *f)
{
	json_node(j, f);
	json_each(j, f, "listeners", KIND_LISTENER, json_listener);
	json_queue(j, first(f, KIND_QUEUE));
	json_each(j, f, "links", KIND_LINK, facts_json_link);
	json_each(j, f, "sessions", KIND_SESSION, json_session);
	json_warnings(j, f);
}
