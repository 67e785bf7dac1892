/* The configuration that setup writes: short, commented, ready to start. */
#include "cli/answers.h"

#include <string.h>

static bool
given(const struct answers *a, enum answer which)
{
	return a->v[which] && strcmp(a->v[which], ANSWER_NONE) != 0;
}

static void
write_site_listeners(const struct answers *a, struct buf *out)
{
	bool tls = given(a, ANSWER_CERTIFICATE);
	const char *off = tls ? "" : "// ";

	buf_addz(out,
		"listeners = (\n"
		"  // mail programs and machines of the local network\n"
		"  { name = \"lan\"; address = \"*\"; port = 25; service = "
		"\"smtp\"; }\n"
		"  // people with name and password: tidepost user add NAME\n");
	if (!tls)
		buf_addz(out,
			"  // (take the // away when there is a certificate: "
			"see tls below)\n");
	buf_addf(out,
		"  %s, { name = \"submission\"; port = 587; service = "
		"\"submission\"; }\n"
		");\n\n",
		off);
}

static void
write_provider_listeners(struct buf *out)
{
	buf_addz(out,
		"listeners = (\n"
		"  // the world delivers mail for our customers here\n"
		"  { name = \"mx\"; port = 25; service = \"smtp\"; },\n"
		"  // customers and our own people send here, with a password\n"
		"  { name = \"submission\"; port = 587; service = "
		"\"submission\"; },\n"
		"  // customers call here to fetch their mail (ATRN)\n"
		"  { name = \"odmr\"; port = 366; service = \"odmr\"; }\n"
		");\n\n");
}

static void
write_tls(const struct answers *a, struct buf *out)
{
	if (given(a, ANSWER_CERTIFICATE))
		buf_addf(out,
			"// Who we are, for those who call us.\n"
			"tls = {\n  certificate = \"%s\";\n  key = \"%s\";\n"
			"};\n\n",
			a->v[ANSWER_CERTIFICATE], a->v[ANSWER_KEY]);
	else
		buf_addz(out,
			"// \"tidepost cert make\" makes these, and says what "
			"phones need.\n"
			"// tls = {\n"
			"//   certificate = \"" ANSWERS_CERTIFICATE "\";\n"
			"//   key = \"" ANSWERS_KEY "\";\n"
			"// };\n\n");
}

static void
write_relay(const struct answers *a, struct buf *out)
{
	buf_addz(out, "// Who may send to the world without a password.\n"
		      "relay = { networks = [ \"127.0.0.0/8\", \"::1/128\"");
	if (given(a, ANSWER_NETWORK))
		buf_addf(out, ", \"%s\"", a->v[ANSWER_NETWORK]);
	buf_addz(out, " ]; };\n\n");
}

static void
write_local(const struct answers *a, struct buf *out)
{
	buf_addf(out,
		"// Mail for these domains ends here, in a Maildir for each "
		"person.\n"
		"local = {\n"
		"  domains = [ \"%s\" ];\n"
		"  deliver = \"maildir:" ANSWERS_MAIL "/{domain}/{user}\";\n"
		"};\n\n",
		a->v[ANSWER_HOSTNAME]);
}

static void
write_peer(
	const struct answers *a, bool site, const char *secret, struct buf *out)
{
	const char *name = site ? "provider" : "relay";

	if (!given(a, ANSWER_PROVIDER)) {
		buf_addz(out, "// Mail goes to customers and to our own people "
			      "alone. For the world name a\n"
			      "// relay in peers and routes: see "
			      "tidepost.conf(5).\n");
		return;
	}
	buf_addf(out,
		"// Where all other mail goes%s. The password is\n"
		"// alone in its file, which nobody else may read.\n"
		"peers = (\n  { name = \"%s\";\n    host = \"%s\";\n"
		"    user = \"%s\";\n    password_file = \"%s\";",
		site ? ", and where ours is fetched (ATRN)" : "", name,
		a->v[ANSWER_PROVIDER], a->v[ANSWER_USER], secret);
	if (site)
		buf_addz(out,
			"\n    collect = \"atrn\";\n    collect_port = 366;");
	buf_addf(out,
		" }\n);\nroutes = ( { match = \"*\"; peers = [ \"%s\" ]; } "
		");\n",
		name);
}

static void
write_link(const struct answers *a, struct buf *out)
{
	if (!given(a, ANSWER_LINK))
		return;
	buf_addf(out,
		"\n// The way out. It is used from \"tidepost link up %s\" "
		"on, until\n"
		"// \"tidepost link down %s\": the modem's hook says so. With "
		"interface = \"wwan0\"\n"
		"// it is followed by itself; what it costs and may cost: "
		"tidepost.conf(5), links.\n"
		"links = ( { name = \"%s\"; peers = [ \"provider\" ]; } );\n",
		a->v[ANSWER_LINK], a->v[ANSWER_LINK], a->v[ANSWER_LINK]);
}

void
answers_write(const struct answers *a, const char *secret, struct buf *out)
{
	bool site = strcmp(a->v[ANSWER_ROLE], "site") == 0;

	buf_addf(out,
		"// %s, a %s. Written by \"tidepost setup\"; change what\n"
		"// you like. \"tidepost check\" tells what is wrong; SIGHUP "
		"has tidepostd read it\n// again.\n\n"
		"hostname = \"%s\";\n\n",
		a->v[ANSWER_HOSTNAME], a->v[ANSWER_ROLE],
		a->v[ANSWER_HOSTNAME]);
	if (site)
		write_site_listeners(a, out);
	else
		write_provider_listeners(out);
	write_tls(a, out);
	write_relay(a, out);
	write_local(a, out);
	write_peer(a, site, secret, out);
	if (site)
		write_link(a, out);
}
