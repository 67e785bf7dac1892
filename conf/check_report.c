/* What the operator hears: the daily report, the page of figures. */
#include "conf/check.h"

#include <string.h>

/* Only programs of this host can ask there. */
static bool
is_loopback(const char *address)
{
	return value_address(str_of(address)) &&
	       (strcmp(address, "::1") == 0 ||
		       strncmp(address, "127.", strlen("127.")) == 0);
}

static void
check_metrics(const struct check *k)
{
	const struct conf *c = k->conf;
	const struct place *at = check_at(check_group(k, "metrics"), "listen");
	const char *path = c->metrics.socket;

	if (!c->metrics.listen)
		return;
	if (path && (path[0] != '/' || strlen(path) > CHECK_SOCKET_PATH_MAX))
		complain_error(k->out, at,
			"metrics.listen: behind unix: there should be the "
			"absolute path of a socket, of %d octets at most",
			CHECK_SOCKET_PATH_MAX);
	else if (!path && !c->metrics.address)
		complain_error(k->out, at,
			"metrics.listen: this should be an address of this "
			"host and a port, such as 127.0.0.1:9925, or unix: and "
			"a path");
	else if (!path && !is_loopback(c->metrics.address))
		complain_error(k->out, at,
			"metrics.listen: %s is not loopback, and the page "
			"knows no passwords; write 127.0.0.1 or [::1], and put "
			"a web server in front where others are to see it",
			c->metrics.address);
}

/* The daily message: an address that some route or mailbox takes. */
static void
check_daily(const struct check *k)
{
	const struct conf *c = k->conf;
	const struct node *g = check_group(k, "report");
	const struct node *at = node_member(g, "at");
	struct mailbox to;
	unsigned minutes;

	if (c->report.to && !address_parse(str_of(c->report.to), false, &to))
		complain_error(k->out, check_at(g, "to"),
			"report.to: %s is no address; write it as "
			"operator@example.org",
			c->report.to);
	if (at && at->good && !value_clock(str_of(at->text), &minutes))
		complain_error(k->out, &at->at,
			"report.at: %s is no time of day; write it as 06:00 "
			"(UTC)",
			at->text);
}

void
check_report(const struct check *k)
{
	check_daily(k);
	check_metrics(k);
}
