/* customer: who calls a provider for mail that is held (RFC 2645). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/account.h"
#include "cli/command.h"
#include "base/json.h"
#include "cli/queue.h"
#include "cli/table.h"
#include "faces/text.h"
#include "spool/settings.h"

static int
run_change(struct cli *c, const struct args *a)
{
	return account_run(c, a, ACCOUNT_CUSTOMER);
}

static int
run_add(struct cli *c, const struct args *a)
{
	if (!args_has(a, "--domain"))
		return cli_refuse(ERR_USAGE,
			"customer add needs --domain DOMAIN; see: tidepost "
			"help customer add");
	return run_change(c, a);
}

/* 0 stands for "no limit". */
static void
json_limit(struct json *j, const char *key, uint64_t value)
{
	if (value)
		json_uint(j, key, value);
	else
		json_null(j, key);
}

static void
json_customer(struct json *j, const struct spool_account *a,
	const struct spool_waiting *w)
{
	json_begin(j);
	json_text(j, "name", a->name);
	json_lines(j, "domains", a->domains);
	json_uint(j, "waiting_messages", w->deliveries);
	json_uint(j, "waiting_bytes", w->bytes);
	json_limit(j, "quota", a->quota);
	json_bool(j, "suspended", a->suspended);
	json_time(j, "last_call", a->last_call);
	json_word(j, "last_result", a->last_result);
}

static void
json_settings(struct json *j, const struct spool_account *a, size_t listed)
{
	json_limit(j, "max_size", a->max_size);
	json_limit(j, "lifetime", (uint64_t)a->lifetime_s);
	json_lines(j, "networks", a->networks);
	json_word(j, "etrn", a->etrn);
	json_text(j, "recipients", spool_recipients_name(a->recipients));
	if (a->recipients == RECIPIENTS_LISTED)
		json_uint(j, "listed", listed);
	else
		json_null(j, "listed");
	json_lines(j, "senders", a->senders);
	json_int(j, "max_priority", a->max_priority);
	json_bool(j, "cram_md5", a->verifier.secret[0] != '\0');
	json_time(j, "last_login", a->last_login);
}

/* --- list --- */

static void
list_json(const struct account_list *list)
{
	struct json j;

	json_init(&j);
	for (size_t i = 0; i < list->n; i++) {
		json_customer(&j, &list->v[i], &list->waiting[i]);
		json_print(&j, stdout);
	}
	json_free(&j);
}

static void
list_row(struct table *t, const struct spool_account *a,
	const struct spool_waiting *w)
{
	char *domains = account_commas(a->domains);
	char size[TEXT_SHORT_MAX], quota[TEXT_SHORT_MAX] = "";
	char called[TEXT_SHORT_MAX];

	text_size(w->bytes, size);
	if (a->quota)
		text_size(a->quota, quota);
	text_time(a->last_call, called);
	table_cell(t, a->name);
	table_cellf(t, "%" PRIu64, w->deliveries);
	table_cell(t, size);
	table_cell(t, quota);
	table_cell(t, called);
	table_cell(t, a->suspended ? "suspended" : a->last_result);
	table_cell(t, domains);
	free(domains);
}

static void
list_table(const struct account_list *list)
{
	static const struct table_column columns[] = {
		{.title = "NAME", .cut = true},
		{.title = "WAITING", .right = true},
		{.title = "SIZE", .right = true},
		{.title = "QUOTA", .right = true},
		{.title = "LAST CALL"},
		{.title = "RESULT", .cut = true},
		{.title = "DOMAINS", .cut = true},
	};
	struct table *t =
		table_new(stdout, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < list->n; i++)
		list_row(t, &list->v[i], &list->waiting[i]);
	if (list->n == 0)
		puts("none");
	table_end(t);
}

static int
run_list(struct cli *c, const struct args *a)
{
	struct account_list list;
	int status = account_list(c, ACCOUNT_CUSTOMER, NULL, &list);

	if (status == 0 && args_has(a, "--json"))
		list_json(&list);
	else if (status == 0)
		list_table(&list);
	account_list_free(&list);
	return status;
}

/* --- what is held, and why --- */

enum { HELD_REASONS_MAX = 20 }; /* told apart; the rest is the last one's */

struct held {
	struct {
		enum spool_reason code;
		char text[SPOOL_TEXT_MAX + 128];
		uint64_t deliveries, bytes;
	} v[HELD_REASONS_MAX];
	size_t n;
};

static void
count_held(void *arg, const struct spool_row *row)
{
	struct held *h = arg;
	char text[SPOOL_TEXT_MAX + 128];
	size_t i = 0;

	queue_reason(row, text, sizeof(text));
	while (i < h->n && strcmp(h->v[i].text, text) != 0)
		i++;
	if (i == HELD_REASONS_MAX)
		i--;
	if (i == h->n) {
		h->v[i].code = row->reason;
		str_copyz(h->v[i].text, sizeof(h->v[i].text), text);
		h->n++;
	}
	h->v[i].deliveries++;
	h->v[i].bytes += row->size;
}

static int
read_held(struct cli *c, const char *name, struct held *h)
{
	char route[SPOOL_NAME_MAX + 1];
	struct spool_filter f = {
		.route = route, .has_state = true, .state = SPOOL_HELD};

	snprintf(route, sizeof(route), "customer:%s", name);
	return queue_each(c, &f, 0, count_held, h, NULL);
}

static void
json_held(struct json *j, const struct held *h)
{
	json_array(j, "held");
	for (size_t i = 0; i < h->n; i++) {
		json_object(j, NULL);
		json_word(j, "reason", h->v[i].text);
		json_word(j, "reason_code", spool_reason_name(h->v[i].code));
		json_uint(j, "deliveries", h->v[i].deliveries);
		json_uint(j, "bytes", h->v[i].bytes);
		json_end(j);
	}
	json_end(j);
}

static void
print_held(const struct held *h)
{
	char size[TEXT_SHORT_MAX];

	for (size_t i = 0; i < h->n; i++) {
		text_size(h->v[i].bytes, size);
		text_printf(stdout, "%-13s%" PRIu64 " %s, %s: %s\n", "held",
			h->v[i].deliveries,
			text_plural(
				h->v[i].deliveries, "delivery", "deliveries"),
			size, h->v[i].text);
	}
}

/* --- show --- */

static void
print_lines(const char *name, const char *lines)
{
	char *text = account_commas(lines);

	if (*text)
		text_printf(stdout, "%-13s%s\n", name, text);
	free(text);
}

static void
print_size(const char *name, uint64_t size)
{
	char text[TEXT_SHORT_MAX];

	text_size(size, text);
	if (size)
		printf("%-13s%s\n", name, text);
}

static void
print_waiting(const struct spool_waiting *w)
{
	char text[TEXT_SHORT_MAX];

	if (w->deliveries == 0) {
		printf("%-13s%s\n", "waiting", "nothing");
		return;
	}
	text_size(w->bytes, text);
	printf("%-13s%" PRIu64 " %s, %s\n", "waiting", w->deliveries,
		text_plural(w->deliveries, "delivery", "deliveries"), text);
}

static void
print_recipients(const struct spool_account *a, size_t listed)
{
	if (a->recipients == RECIPIENTS_LISTED)
		printf("%-13s%zu listed\n", "recipients", listed);
	else if (a->recipients == RECIPIENTS_VERIFY)
		printf("%-13sas its own host answers\n", "recipients");
}

static void
show_plain(const struct spool_account *a, const struct spool_waiting *w,
	size_t listed, const struct held *h)
{
	char text[TEXT_SHORT_MAX];

	print_lines("customer", a->name);
	if (a->suspended)
		puts("suspended");
	print_lines("domains", a->domains);
	print_waiting(w);
	print_held(h);
	print_size("quota", a->quota);
	print_size("max size", a->max_size);
	text_duration(a->lifetime_s, text);
	print_lines("lifetime", a->lifetime_s ? text : NULL);
	print_lines("networks", a->networks);
	print_lines("ETRN", a->etrn);
	print_recipients(a, listed);
	print_lines("senders", a->senders);
	text_time(a->last_call, text);
	print_lines("last call", a->last_call ? text : "never");
	print_lines("result", a->last_result);
}

static int
run_show(struct cli *c, const struct args *a)
{
	struct account_list list;
	struct held *h = xcalloc(1, sizeof(*h));
	int status = account_list(c, ACCOUNT_CUSTOMER, a->words[0], &list);
	struct json j;

	json_init(&j);
	if (status == 0)
		status = read_held(c, a->words[0], h);
	if (status == 0 && args_has(a, "--json")) {
		json_customer(&j, list.v, list.waiting);
		json_settings(&j, list.v, *list.listed);
		json_held(&j, h);
		json_print(&j, stdout);
	} else if (status == 0) {
		show_plain(list.v, list.waiting, *list.listed, h);
	}
	json_free(&j);
	free(h);
	account_list_free(&list);
	return status;
}

/* clang-format off */
#define SETTINGS                                                               \
	{.name = "--domain", .value = "DOMAIN", .many = true,                  \
		.help = "whose mail is held for it"},                          \
	{.name = "--quota", .value = "SIZE",                                   \
		.help = "most that is held for it at a time"},                 \
	{.name = "--max-size", .value = "SIZE",                                \
		.help = "largest message that is taken for it"},               \
	{.name = "--recipients", .value = "FILE|verify|any",                   \
		.help = "the addresses it has, or how they are learnt"},       \
	{.name = "--lifetime", .value = "DURATION",                            \
		.help = "how long its mail is held"},                          \
	{.name = "--network", .value = "CIDR", .many = true,                   \
		.help = "where it may call from; ETRN needs no login there"},  \
	{.name = "--etrn", .value = "HOST[:PORT]",                             \
		.help = "where its mail goes when it asks by ETRN (25)"},      \
	{.name = "--sender", .value = "PATTERN", .many = true,                 \
		.help = "sender it may use besides its domains"},              \
	{.name = "--max-priority", .value = "N",                               \
		.help = "most urgent priority it may give (0)"}

#define PASSWORD                                                               \
	{.name = "--cram-md5",                                                 \
		.help = "keep the password itself, for CRAM-MD5"},             \
	{.name = "--password-stdin",                                           \
		.help = "the password is the line on standard input"}
/* clang-format on */

static const struct option add_options[] = {SETTINGS, PASSWORD, {.name = NULL}};
static const struct option set_options[] = {SETTINGS, {.name = NULL}};
static const struct option passwd_options[] = {PASSWORD,
	{.name = "--now", .help = "the old password ends at once"},
	{.name = NULL}};

static const struct option delete_options[] = {
	{.name = "--return", .help = "what waits goes back to its senders"},
	{.name = "--yes", .help = "with the mail that waits for it"},
	{.name = NULL},
};

static const struct option json_options[] = {
	{.name = "--json", .help = "an object a line"},
	{.name = NULL},
};

/* clang-format off */
#define CHANGE(verb, table, sentence, line, fn)                                \
	{.name = "customer " verb, .words = "NAME", .least = 1, .most = 1,     \
		.options = table, .help = sentence,                            \
		.example = "tidepost customer " line, .run = fn}
/* clang-format on */

const struct command customer_commands[] = {
	CHANGE("add", add_options, "A new customer, whose mail is held.",
		"add aurora --domain aurora.example.org", run_add),
	CHANGE("set", set_options,
		"Changes a customer; what is given replaces.",
		"set aurora --domain aurora.example.org", run_change),
	CHANGE("passwd", passwd_options, "Gives a customer a new password.",
		"passwd aurora", run_change),
	CHANGE("suspend", NULL, "Its calls are refused; its mail is kept.",
		"suspend aurora", run_change),
	CHANGE("resume", NULL, "Ends suspend.", "resume aurora", run_change),
	CHANGE("delete", delete_options, "Takes a customer away.",
		"delete aurora", run_change),
	{.name = "customer list",
		.words = "",
		.options = json_options,
		.help = "All customers, and what waits for them.",
		.example = "tidepost customer list",
		.run = run_list},
	{.name = "customer show",
		.words = "NAME",
		.least = 1,
		.most = 1,
		.options = json_options,
		.help = "One customer, its settings and its last call.",
		.example = "tidepost customer show aurora",
		.run = run_show},
	{.name = NULL},
};
