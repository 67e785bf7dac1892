/* peer: what is known of the hosts this node talks to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/text.h"

enum { FINGERPRINT_TEXT = 72 }; /* "sha256:" and 64 digits */

struct peers {
	const struct conf *conf;
	struct spool_peer *v; /* owned; one for each of conf->peers */
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
	return cli_read(c, read_peers, p);
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
print_json(struct json *j, const struct spool_peer *p)
{
	char text[FINGERPRINT_TEXT];

	json_begin(j);
	json_text(j, "name", p->name);
	json_word(j, "address", p->address);
	json_lines(j, "keywords", p->keywords);
	json_word(j, "fingerprint", fingerprint(p, text));
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
			print_json(&j, &p.v[i]);
	else if (status == 0)
		print_table(&p);
	json_free(&j);
	free(p.v);
	return status;
}

static void
print_field(const char *name, const char *value)
{
	if (*value)
		text_printf(stdout, "%-14s%s\n", name, value);
}

static void
print_plain(const struct spool_peer *p)
{
	struct str rest = str_of(p->keywords);
	char text[FINGERPRINT_TEXT], time[TEXT_SHORT_MAX];
	const char *name = "offers";

	text_time(p->last_success, time);
	print_field("peer", p->name);
	print_field("address", p->address);
	print_field("key", fingerprint(p, text));
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
	const struct spool_peer *found = NULL;
	struct peers p;
	struct json j;
	int status = load(c, &p);

	json_init(&j);
	for (size_t i = 0; status == 0 && i < p.conf->peers_n; i++)
		if (strcmp(p.v[i].name, a->words[0]) == 0)
			found = &p.v[i];
	if (status == 0 && !found)
		status = cli_refuse(ERR_NOTFOUND, "no peer \"%s\" in %s",
			a->words[0], p.conf->file);
	else if (status == 0 && args_has(a, "--json"))
		print_json(&j, found);
	else if (status == 0)
		print_plain(found);
	json_free(&j);
	free(p.v);
	return status;
}

static const struct option json_options[] = {
	{.name = "--json", .help = "an object a line"},
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
	{.name = NULL},
};
