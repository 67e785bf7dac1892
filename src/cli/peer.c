/* peer: what is known of the hosts this node talks to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/command.h"
#include "base/json.h"
#include "cli/table.h"
#include "faces/text.h"
#include "spool/trust.h"

enum { FINGERPRINT_TEXT = 72 }; /* "sha256:" and 64 digits */

struct peers {
	const struct conf *conf;
	/* owned; one for each of conf->peers */
	struct spool_peer *v;
	struct spool_trust *trust;
};

/* What the spool does not know is a peer never met. */
static enum err_code
read_peers(struct spool_txn *t, void *arg, struct err *e)
{
	struct peers *p = arg;

	for (size_t i = 0; i < p->conf->peers_n; i++) {
		const char *name = p->conf->peers[i].name;
		enum err_code code = spool_peer_get(t, name, &p->v[i], e);

		if (code == ERR_NOTFOUND) {
			p->v[i] = (struct spool_peer){0};
			str_copyz(p->v[i].name, sizeof(p->v[i].name), name);
		} else if (code != OK) {
			return code;
		}
		code = spool_trust_get(
			t, name, clock_wall_s(), &p->trust[i], e);
		if (code != OK)
			return code;
	}
	return OK;
}

static int
load(struct cli *c, struct peers *p)
{
	int status = cli_load(c);

	*p = (struct peers){.conf = c->conf};
	if (status != 0)
		return status;
	p->v = xcalloc(c->conf->peers_n + 1, sizeof(*p->v));
	p->trust = xcalloc(c->conf->peers_n + 1, sizeof(*p->trust));
	return cli_read(c, read_peers, p);
}

static void
peers_free(struct peers *p)
{
	free(p->v);
	free(p->trust);
}

static const char *
fingerprint(const struct spool_peer *p, char out[FINGERPRINT_TEXT])
{
	int n = snprintf(out, FINGERPRINT_TEXT, "sha256:");

	if (!p->has_fingerprint)
		return "";
	for (size_t i = 0; i < sizeof(p->fingerprint); i++)
		n += snprintf(out + n, (size_t)(FINGERPRINT_TEXT - n), "%02x",
			p->fingerprint[i]);
	return out;
}

static void
print_json(struct json *j, const struct spool_peer *p,
	const struct spool_trust *trust)
{
	char text[FINGERPRINT_TEXT];

	json_begin(j);
	json_text(j, "name", p->name);
	json_word(j, "address", p->address);
	json_lines(j, "keywords", p->keywords);
	json_word(j, "fingerprint", fingerprint(p, text));
	json_bool(j, "trusted", trust->has_key);
	json_time(j, "trusted_until", trust->has_key ? trust->until : 0);
	json_time(j, "certificate_ends", trust->ends);
	json_time(j, "last_success", p->last_success);
	json_word(j, "last_result", p->last_result);
	json_print(j, stdout);
}

static void
print_table(const struct peers *p)
{
	static const struct table_column columns[] = {
		{.title = "NAME", .cut = true},
		{.title = "ADDRESS", .cut = true},
		{.title = "LAST SUCCESS"},
		{.title = "LAST RESULT", .cut = true},
	};
	struct table *t =
		table_new(stdout, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < p->conf->peers_n; i++) {
		char time[TEXT_SHORT_MAX];

		text_time(p->v[i].last_success, time);
		table_cell(t, p->v[i].name);
		table_cell(t, p->v[i].address);
		table_cell(t, time);
		table_cell(t, p->v[i].last_result);
	}
	if (p->conf->peers_n == 0)
		puts("none");
	table_end(t);
}

static int
run_list(struct cli *c, const struct args *a)
{
	struct peers p;
	struct json j;
	int status = load(c, &p);

	json_init(&j);
	if (status == 0 && args_has(a, "--json"))
		for (size_t i = 0; i < p.conf->peers_n; i++)
			print_json(&j, &p.v[i], &p.trust[i]);
	else if (status == 0)
		print_table(&p);
	json_free(&j);
	peers_free(&p);
	return status;
}

static void
print_field(const char *name, const char *value)
{
	if (*value)
		text_printf(stdout, "%-14s%s\n", name, value);
}

static void
print_ends(const struct spool_trust *trust)
{
	char time[TEXT_SHORT_MAX];

	text_time(trust->ends, time);
	if (trust->ends)
		print_field("good until", time);
}

/* Accepted may be another key than the one last seen. */
static void
print_trust(const struct spool_peer *p, const struct spool_trust *trust)
{
	bool same = memcmp(trust->key, p->fingerprint, sizeof(trust->key)) == 0;
	char time[TEXT_SHORT_MAX];

	if (!trust->has_key)
		return;
	text_time(trust->until, time);
	text_printf(stdout, "%-14s%s%s%s\n", "accepted",
		same ? "this key" : "another key",
		trust->until ? " until " : "", trust->until ? time : "");
}

static void
print_plain(const struct spool_peer *p, const struct spool_trust *trust)
{
	struct str rest = str_of(p->keywords);
	char text[FINGERPRINT_TEXT], time[TEXT_SHORT_MAX];
	const char *name = "offers";

	text_time(p->last_success, time);
	print_field("peer", p->name);
	print_field("address", p->address);
	print_field("key", fingerprint(p, text));
	print_ends(trust);
	print_trust(p, trust);
	print_field("last success", p->last_success ? time : "never");
	print_field("last result", p->last_result);
	for (; rest.n; name = "") {
		struct str keyword = str_cut(rest, '\n', &rest);

		text_printf(stdout, "%-14s%.*s\n", name, STR_FMT(keyword));
	}
}

static int
run_show(struct cli *c, const struct args *a)
{
	size_t found = SIZE_MAX;
	struct peers p;
	struct json j;
	int status = load(c, &p);

	json_init(&j);
	for (size_t i = 0; status == 0 && i < p.conf->peers_n; i++)
		if (strcmp(p.v[i].name, a->words[0]) == 0)
			found = i;
	if (status == 0 && found == SIZE_MAX)
		status = cli_refuse(ERR_NOTFOUND,
			"no peer \"%s\" in %s; see: tidepost peer list",
			a->words[0], p.conf->file);
	else if (status == 0 && args_has(a, "--json"))
		print_json(&j, &p.v[found], &p.trust[found]);
	else if (status == 0)
		print_plain(&p.v[found], &p.trust[found]);
	json_free(&j);
	peers_free(&p);
	return status;
}

/* --- trust --- */

struct trust {
	const char *name;
	int64_t until; /* 0: for ever */
};

static enum err_code
write_trust(struct spool_txn *t, void *arg, struct err *e)
{
	const struct trust *trust = arg;

	return spool_trust_accept(t, trust->name, trust->until, e);
}

/* "2026-12-31": to the end of that day. */
static bool
parse_day(const char *text, int64_t *until_r)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (!end || *end)
		return false;
	tm.tm_mday++; /* timegm carries */
	*until_r = (int64_t)timegm(&tm);
	return *until_r > 0;
}

static int
trust_by_daemon(struct cli *c, const struct trust *trust, bool *done_r)
{
	struct record r;
	int status;

	protocol_request(&r, VERB_PEER, ACTION_WORD_TRUST);
	record_add(&r, KEY_NAME, trust->name);
	if (trust->until)
		record_add_int(&r, KEY_UNTIL, trust->until);
	status = cli_to_daemon(c, &r, done_r, NULL);
	record_free(&r);
	return status;
}

/* What was accepted, so that it can be compared. */
static int
tell_trust(struct cli *c, const struct trust *trust)
{
	struct peers p;
	char text[FINGERPRINT_TEXT];
	int status = load(c, &p);

	for (size_t i = 0; status == 0 && i < p.conf->peers_n; i++)
		if (strcmp(p.v[i].name, trust->name) == 0)
			text_printf(stdout, "%s: the key %s %s\n", trust->name,
				fingerprint(&p.v[i], text),
				p.trust[i].has_key ? "is accepted"
						   : "is no longer accepted");
	peers_free(&p);
	return status;
}

static int
run_trust(struct cli *c, const struct args *a)
{
	const char *day = args_value(a, "--until");
	struct trust trust = {.name = a->words[0]};
	bool done = false;
	int status = cli_load(c);

	if (status != 0)
		return status;
	if (!conf_peer(c->conf, trust.name))
		return cli_refuse(ERR_NOTFOUND,
			"no peer \"%s\" in %s; see: tidepost peer list",
			trust.name, c->conf->file);
	if (day && !parse_day(day, &trust.until))
		return cli_refuse(ERR_USAGE,
			"--until %s: a day is written as 2026-12-31", day);
	status = trust_by_daemon(c, &trust, &done);
	if (status == 0 && !done)
		status = cli_write(c, write_trust, &trust);
	return status == 0 ? tell_trust(c, &trust) : status;
}

static const struct option json_options[] = {
	{.name = "--json", .help = "an object a line"},
	{.name = NULL},
};

static const struct option trust_options[] = {
	{.name = "--until",
		.value = "DATE",
		.help = "to the end of this day, as 2026-12-31"},
	{.name = NULL},
};

const struct command peer_commands[] = {
	{.name = "peer list",
		.words = "",
		.options = json_options,
		.help = "The hosts this node talks to, and how it last went.",
		.example = "tidepost peer list",
		.run = run_list},
	{.name = "peer show",
		.words = "NAME",
		.least = 1,
		.most = 1,
		.options = json_options,
		.help = "One peer: address, what it offers, its key.",
		.example = "tidepost peer show shore",
		.run = run_show},
	{.name = "peer trust",
		.words = "NAME",
		.least = 1,
		.most = 1,
		.options = trust_options,
		.help = "Accepts the key that a peer showed last.",
		.example = "tidepost peer trust shore --until 2026-12-31",
		.run = run_trust},
	{.name = NULL},
};
