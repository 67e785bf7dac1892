/* Whole files: every field, the defaults, includes, what check prints. */
#include "conf/testing.h"

static const char full[] =
	"hostname = \"aurora.example.org\";\n"
	"spool = \"sqlite:/s/spool.db\"; run_dir = \"/r\"; user = \"u\";\n"
	"listeners = (\n"
	"  { name = \"lan\"; address = \"192.0.2.1\"; port = 0; },\n"
	"  { service = \"submission\"; auth_clear = true; },\n"
	"  { name = \"s\"; service = \"submission\"; tls = \"implicit\"; },\n"
	"  { service = \"odmr\"; atrn = true; } );\n"
	"tls = { certificate = \"/dev/null\"; key = \"/dev/zero\";\n"
	"  ca_file = \"/dev/full\"; min_version = \"1.3\"; };\n"
	"relay = { networks = \"10.0.0.0/8\"; max_priority = \"urgent\"; };\n"
	"limits = { message_size = \"4M\"; recipients = 7; connections = 8;\n"
	"  connections_per_client = 9; line = 1000; errors = 11;\n"
	"  commands = 12; command_timeout = \"13s\"; data_timeout = \"14m\";\n"
	"  stall_timeout = \"15s\"; final_timeout = \"17s\";\n"
	"  disk_reserve = 16; };\n"
	"local = { domains = [ \"a.example\", \"b.example\" ];\n"
	"  deliver = \"maildir:/m/{user}\"; users = \"file:/u\"; };\n"
	"auth = \"spool\";\n"
	"peers = ( { name = \"shore\"; host = [ \"h.example\", \"::1\" ];\n"
	"  port = 25; tls = \"implicit\"; tls_name = \"t.example\";\n"
	"  verify = \"sha256:000102030405060708090a0b0c0d0e0f"
	"101112131415161718191a1b1c1d1e1f\";\n"
	"  user = \"me\"; password_file = \"/no/secret\";\n"
	"  auth_clear = true; collect = \"atrn\"; collect_port = 366;\n"
	"  domains = \"a.example\"; order = \"collect-first\";\n"
	"  etrn_wait = \"2m\"; },\n"
	"  { name = \"plain\"; host = \"p.example\"; verify = \"none\";\n"
	"    tls = \"none\"; } );\n"
	"routes = ( { match = \".x.example\"; name = \"x\";\n"
	"    peers = [ \"shore\", \"plain\" ]; },\n"
	"  { match = \"*\"; peers = \"plain\"; } );\n"
	"rules = ( { from = \"f\"; to = \"t\"; header = \"h\";\n"
	"  larger = \"1K\"; priority = -5; links = \"l\"; hold = true; } );\n"
	"links = ( { name = \"l\"; interface = \"wlan0\"; peers = \"shore\";\n"
	"  probe = { command = \"/p\"; every = \"30s\"; };\n"
	"  bit_rate = 2400; rtt = \"1800ms\"; max_size = \"20K\";\n"
	"  min_priority = \"bulk\"; timezone = \"UTC\";\n"
	"  dial = { up = \"/up\"; down = \"/down\"; timeout = \"80s\";\n"
	"    windows = [ \"06:00-06:20\", \"Mon-Fri 18:00-18:20\" ];\n"
	"    call_when_waiting = \"30m\"; call_at_once_priority = 4; };\n"
	"  cost = { per_minute = 1.25; per_megabyte = 2; per_call = 0.5;\n"
	"    billing_step = \"20s\"; currency = \"USD\"; };\n"
	"  budget = { session = { time = \"15m\"; bytes = \"200K\";\n"
	"      cost = 3; };\n"
	"    day = { time = \"60m\"; bytes = \"1M\"; cost = 40; };\n"
	"    month = { time = \"9h\"; bytes = \"9M\"; cost = 600.5;\n"
	"      starts = 15; };\n"
	"    reserve = { time = \"5m\"; min_priority = 6; }; }; },\n"
	"  { name = \"all\"; } );\n"
	"queue = { retry = [ \"1s\", \"1h30m\" ]; warn_after = \"1h\";\n"
	"  expire_after = \"3d\"; longest = \"60d\"; keep_deleted = \"1d\"; };\n"
	"hooks = \"/hooks\";\n"
	"log = { to = \"syslog\"; level = \"debug\"; keep = \"30d\";\n"
	"  keep_size = \"1M\"; };\n";

static struct conf *
load_good(const char *text)
{
	struct complaints out;
	struct conf *c;

	testing_load(text, &c, &out);
	if (!c)
		print_message("%s\n", out.n ? out.v[0].text : "nothing said");
	assert_non_null(c);
	assert_int_equal(out.errors, 0);
	complaints_free(&out);
	return c;
}

static bool
is_same(const char *x, const char *y)
{
	struct conf *a = load_good(x), *b = load_good(y);
	bool same = conf_is_same(a, b);

	conf_free(a);
	conf_free(b);
	return same;
}

static void
test_same(void **state)
{
	static const char zone[] =
		"hostname = \"a.example\";\n"
		"links = ( { name = \"x\"; timezone = \"EST5\"; } );";

	(void)state;
	assert_false(is_same(full, full)); /* a time zone */
	assert_true(is_same("hostname = \"a.example\";",
		"# the same\nhostname=\n\"a.example\" ;"));
	assert_false(is_same(
		"hostname = \"a.example\";", "hostname = \"b.example\";"));
	assert_false(is_same(zone, zone));
}

static void
test_node(void **state)
{
	struct conf *c = load_good(full);

	(void)state;
	assert_string_equal(c->hostname, "aurora.example.org");
	assert_string_equal(c->spool, "sqlite:/s/spool.db");
	assert_string_equal(c->run_dir, "/r");
	assert_string_equal(c->user, "u");
	assert_string_equal(c->auth, "spool");
	assert_string_equal(c->hooks, "/hooks");
	assert_string_equal(c->tls.certificate, "/dev/null");
	assert_string_equal(c->tls.key, "/dev/zero");
	assert_string_equal(c->tls.ca_file, "/dev/full");
	assert_string_equal(c->tls.min_version, "1.3");
	assert_int_equal(c->relay.networks.n, 1);
	assert_string_equal(c->relay.networks.v[0], "10.0.0.0/8");
	assert_int_equal(c->relay.max_priority, 4);
	assert_string_equal(c->log.to, "syslog");
	assert_string_equal(c->log.level, "debug");
	assert_int_equal(c->log.keep_s, 30 * 86400);
	assert_int_equal(c->log.keep_size, 1 << 20);
	conf_free(c);
}

static void
test_limits(void **state)
{
	struct conf *c = load_good(full);

	(void)state;
	assert_int_equal(c->limits.message_size, 4 << 20);
	assert_int_equal(c->limits.recipients, 7);
	assert_int_equal(c->limits.connections, 8);
	assert_int_equal(c->limits.connections_per_client, 9);
	assert_int_equal(c->limits.line, 1000);
	assert_int_equal(c->limits.errors, 11);
	assert_int_equal(c->limits.commands, 12);
	assert_int_equal(c->limits.command_timeout_s, 13);
	assert_int_equal(c->limits.data_timeout_s, 14 * 60);
	assert_int_equal(c->limits.stall_timeout_s, 15);
	assert_int_equal(c->limits.final_timeout_s, 17);
	assert_int_equal(c->limits.disk_reserve, 16);
	assert_int_equal(c->queue.retry_n, 2);
	assert_int_equal(c->queue.retry_s[0], 1);
	assert_int_equal(c->queue.retry_s[1], 5400);
	assert_int_equal(c->queue.warn_after_s, 3600);
	assert_int_equal(c->queue.expire_after_s, 3 * 86400);
	assert_int_equal(c->queue.longest_s, 60 * 86400);
	assert_int_equal(c->queue.keep_deleted_s, 86400);
	conf_free(c);
}

static void
test_listeners(void **state)
{
	static const struct {
		const char *name, *address;
		unsigned port;
		enum conf_service service;
		enum conf_tls tls;
		bool atrn, auth_clear;
	} want[] = {
		{"lan", "192.0.2.1", 0, SERVICE_SMTP, TLS_OFFERED, false,
			false},
		{"submission", "*", 587, SERVICE_SUBMISSION, TLS_REQUIRED,
			false, true},
		{"s", "*", 465, SERVICE_SUBMISSION, TLS_IMPLICIT, false, false},
		{"odmr", "*", 366, SERVICE_ODMR, TLS_REQUIRED, true, false},
	};
	struct conf *c = load_good(full);

	(void)state;
	assert_int_equal(c->listeners_n, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct conf_listener *l = &c->listeners[i];

		assert_string_equal(l->name, want[i].name);
		assert_string_equal(l->address, want[i].address);
		assert_int_equal(l->port, want[i].port);
		assert_int_equal(l->service, want[i].service);
		assert_int_equal(l->tls, want[i].tls);
		assert_int_equal(l->atrn, want[i].atrn);
		assert_int_equal(l->auth_clear, want[i].auth_clear);
		assert_int_equal(
			l->channel_binding, l->service == SERVICE_ODMR);
	}
	conf_free(c);
}

static void
test_local(void **state)
{
	struct conf *c = load_good(full);

	(void)state;
	assert_int_equal(c->local.domains.n, 2);
	assert_string_equal(c->local.domains.v[1], "b.example");
	assert_int_equal(c->local.deliver, DELIVER_MAILDIR);
	assert_string_equal(c->local.deliver_to, "/m/{user}");
	assert_int_equal(c->local.users, USERS_FILE);
	assert_string_equal(c->local.users_from, "/u");
	assert_true(conf_is_local(c, STR("A.Example")));
	assert_false(conf_is_local(c, STR("x.a.example")));
	assert_false(conf_is_local(c, STR("")));
	conf_free(c);
}

static void
test_peers(void **state)
{
	struct conf *c = load_good(full);
	const struct conf_peer *p = conf_peer(c, "shore");

	(void)state;
	assert_int_equal(c->peers_n, 2);
	assert_ptr_equal(p, &c->peers[0]);
	assert_int_equal(p->host.n, 2);
	assert_string_equal(p->host.v[1], "::1");
	assert_null(p->command);
	assert_int_equal(p->port, 25);
	assert_int_equal(p->tls, TLS_IMPLICIT);
	assert_string_equal(p->tls_name, "t.example");
	assert_int_equal(p->verify, VERIFY_PIN);
	for (unsigned char i = 0; i < 32; i++)
		assert_int_equal(p->pin[i], i);
	assert_string_equal(p->user, "me");
	assert_string_equal(p->password_file, "/no/secret");
	assert_true(p->auth_clear);
	assert_int_equal(p->collect, COLLECT_ATRN);
	assert_int_equal(p->collect_port, 366);
	assert_string_equal(p->domains.v[0], "a.example");
	assert_int_equal(p->order, ORDER_COLLECT_FIRST);
	assert_int_equal(p->etrn_wait_s, 120);
	assert_int_equal(c->peers[1].verify, VERIFY_NONE);
	assert_int_equal(c->peers[1].tls, TLS_NONE);
	assert_null(conf_peer(c, "nobody"));
	conf_free(c);
}

static void
test_rules(void **state)
{
	struct conf *c = load_good(full);
	const struct conf_rule *r = &c->rules[0];

	(void)state;
	assert_int_equal(c->rules_n, 1);
	assert_string_equal(r->from, "f");
	assert_string_equal(r->to, "t");
	assert_string_equal(r->header, "h");
	assert_int_equal(r->larger, 1024);
	assert_true(r->has_priority);
	assert_int_equal(r->priority, -5);
	assert_string_equal(r->links.v[0], "l");
	assert_true(r->hold);
	conf_free(c);
}

static const struct conf_route *
route_for(const struct conf *c, const char *address)
{
	struct mailbox m;

	assert_true(address_parse(str_of(address), false, &m));
	return conf_route_for(c, &m);
}

static void
test_routes(void **state)
{
	struct conf *c = load_good(full);
	struct conf *none = load_good("hostname = \"a.example\";");

	(void)state;
	assert_int_equal(c->routes_n, 2);
	assert_int_equal(c->routes[0].peers.n, 2);
	assert_ptr_equal(route_for(c, "a@y.X.example"), &c->routes[0]);
	assert_ptr_equal(route_for(c, "a@x.example"), &c->routes[1]);
	assert_string_equal(conf_route_name(&c->routes[0]), "x");
	assert_string_equal(conf_route_name(&c->routes[1]), "*");
	assert_null(route_for(none, "a@x.example"));
	conf_free(c);
	conf_free(none);
}

static void
test_links(void **state)
{
	struct conf *c = load_good(full);
	const struct conf_link *l = conf_link(c, "l");

	(void)state;
	assert_int_equal(c->links_n, 2);
	assert_ptr_equal(l, &c->links[0]);
	assert_string_equal(l->interface, "wlan0");
	assert_string_equal(l->probe_command, "/p");
	assert_int_equal(l->probe_every_s, 30);
	assert_int_equal(l->bit_rate, 2400);
	assert_int_equal(l->rtt_ms, 1800);
	assert_int_equal(l->max_size, 20480);
	assert_true(l->has_min_priority);
	assert_int_equal(l->min_priority, -5);
	assert_string_equal(l->timezone, "UTC");
	assert_string_equal(l->dial_up, "/up");
	assert_string_equal(l->dial_down, "/down");
	assert_int_equal(l->dial_timeout_s, 80);
	assert_int_equal(l->windows.n, 2);
	assert_string_equal(l->windows.v[1], "Mon-Fri 18:00-18:20");
	assert_int_equal(l->call_when_waiting_s, 1800);
	assert_true(l->has_call_at_once);
	assert_int_equal(l->call_at_once_priority, 4);
	assert_false(c->links[1].has_min_priority);
	assert_int_equal(c->links[1].peers.n, 0);
	assert_null(conf_link(c, "none"));
	conf_free(c);
}

static void
assert_budget(const struct conf_budget *b, int64_t time_s, uint64_t bytes,
	double cost)
{
	assert_int_equal(b->time_s, time_s);
	assert_int_equal(b->bytes, bytes);
	assert_true(b->cost == cost);
}

static void
test_money(void **state)
{
	struct conf *c = load_good(full);
	const struct conf_link *l = &c->links[0];

	(void)state;
	assert_true(l->cost_per_minute == 1.25);
	assert_true(l->cost_per_megabyte == 2.0);
	assert_true(l->cost_per_call == 0.5);
	assert_int_equal(l->billing_step_s, 20);
	assert_string_equal(l->currency, "USD");
	assert_budget(&l->session, 900, 200 * 1024, 3.0);
	assert_budget(&l->day, 3600, 1 << 20, 40.0);
	assert_budget(&l->month, 9 * 3600, 9 << 20, 600.5);
	assert_int_equal(l->month.starts, 15);
	assert_int_equal(l->reserve.time_s, 300);
	assert_int_equal(l->reserve_min_priority, 6);
	conf_free(c);
}

static void
test_link_for(void **state)
{
	struct conf *c = load_good(full);
	size_t at = 0;

	(void)state;
	assert_ptr_equal(conf_link_for(c, "shore", &at), &c->links[0]);
	assert_ptr_equal(conf_link_for(c, "shore", &at), &c->links[1]);
	assert_null(conf_link_for(c, "shore", &at));
	at = 0;
	assert_ptr_equal(conf_link_for(c, "plain", &at), &c->links[1]);
	assert_null(conf_link_for(c, "plain", &at));
	conf_free(c);
}

static void
test_defaults(void **state)
{
	struct conf *c =
		load_good("hostname = \"a.example\"; listeners = ( { } );\n"
			  "peers = ( { name = \"p\"; host = \"h\"; } );");

	(void)state;
	assert_string_equal(c->spool, "sqlite:/var/lib/tidepost/spool.db");
	assert_string_equal(c->run_dir, "/run/tidepost");
	assert_string_equal(c->user, "tidepost");
	assert_string_equal(c->listeners[0].name, "smtp");
	assert_int_equal(c->listeners[0].port, 25);
	assert_int_equal(c->listeners[0].tls, TLS_NONE);
	assert_int_equal(c->relay.networks.n, 2);
	assert_string_equal(c->relay.networks.v[1], "::1/128");
	assert_int_equal(c->limits.message_size, 50 << 20);
	assert_int_equal(c->limits.line, 998);
	assert_int_equal(c->limits.command_timeout_s, 300);
	assert_int_equal(c->local.deliver, DELIVER_NONE);
	assert_int_equal(c->local.users, USERS_ANY);
	assert_int_equal(c->peers[0].port, 587);
	assert_int_equal(c->peers[0].tls, TLS_REQUIRED);
	assert_int_equal(c->peers[0].verify, VERIFY_NAME);
	assert_int_equal(c->peers[0].collect, COLLECT_NONE);
	assert_int_equal(c->peers[0].collect_port, 0);
	assert_int_equal(c->queue.retry_n, 4);
	assert_int_equal(c->queue.retry_s[3], 4 * 3600);
	assert_int_equal(c->queue.expire_after_s, 5 * 86400);
	assert_int_equal(c->queue.longest_s, 0);
	assert_string_equal(c->log.to, "stderr");
	assert_null(c->hooks);
	conf_free(c);
}

static void
test_include(void **state)
{
	static const char part[] = "line = 999;\nbogus = 1;\n";
	char *inner = testing_file(part, strlen(part));
	char *text = str_printf("hostname = \"a.example\";\nlimits = {\n"
				"@include \"%s\"\n};\nusr = 1;\n",
		strrchr(inner, '/') + 1);
	struct complaints out;
	struct conf *c;

	(void)state;
	testing_load(text, &c, &out);
	assert_null(c);
	assert_int_equal(out.n, 2);
	assert_string_equal(
		out.v[0].text, "usr: unknown key, did you mean user?");
	assert_int_equal(out.v[0].line, 5);
	assert_string_equal(out.v[1].text,
		"limits.bogus: unknown key; tidepost.conf(5) has all there are");
	assert_string_equal(out.v[1].file, inner);
	assert_int_equal(out.v[1].line, 2);
	assert_string_equal(out.v[1].source, "bogus = 1;");
	complaints_free(&out);
	free(text);
	testing_remove(inner);
}

static void
test_include_itself(void **state)
{
	char *name = testing_file("", 0);
	FILE *f = fopen(name, "w");
	struct complaints out;
	struct conf *c;

	(void)state;
	fprintf(f, "@include \"%s\"\n", name);
	fclose(f);
	conf_load(name, &c, &out);
	assert_null(c);
	assert_int_equal(out.n, 1);
	assert_non_null(strstr(out.v[0].text, "includes itself"));
	complaints_free(&out);
	testing_remove(name);
}

static void
test_unreadable(void **state)
{
	static const struct {
		const char *file, *text;
	} cases[] = {
		{"/no/such.conf", "there is no configuration file here"},
		{"/tmp", "is not a regular file"},
		{"/dev/zero", "is not a regular file"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct complaints out;
		struct conf *c;

		conf_load(cases[i].file, &c, &out);
		assert_null(c);
		assert_int_equal(out.n, 1);
		assert_int_equal(out.errors, 1);
		assert_string_equal(out.v[0].file, cases[i].file);
		assert_non_null(strstr(out.v[0].text, cases[i].text));
		complaints_free(&out);
	}
}

/* More errors than anybody reads are counted, in bounded memory. */
static void
test_many(void **state)
{
	struct buf text;
	struct complaints out;
	struct conf *c;

	(void)state;
	buf_init(&text, 0);
	buf_addz(&text, "hostname = \"a.example\";\n");
	for (unsigned i = 0; i < 1000; i++)
		buf_addf(&text, "zz%u = 1;\n", i);
	testing_load(buf_z(&text), &c, &out);
	assert_null(c);
	assert_int_equal(out.errors, 1000);
	assert_true(out.n <= 200);
	complaints_free(&out);
	buf_free(&text);
}

static void
test_samples(void **state)
{
	static const char *const files[] = {"conf/site.conf",
		"conf/provider.conf", "conf/tidepost.conf.example"};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct complaints out;
		struct conf *c;

		conf_load(files[i], &c, &out);
		for (size_t j = 0; j < out.n; j++)
			assert_null(strstr(out.v[j].text, "not yet"));
		assert_non_null(c);
		assert_string_equal(c->file, files[i]);
		conf_free(c);
		complaints_free(&out);
	}
}

static void
test_path(void **state)
{
	(void)state;
	setenv("TIDEPOST_CONF", "/e", 1);
	assert_string_equal(conf_path("/o"), "/o");
	assert_string_equal(conf_path(NULL), "/e");
	assert_true(conf_is_named(NULL));
	setenv("TIDEPOST_CONF", "", 1);
	assert_string_equal(conf_path(NULL), "/etc/tidepost/tidepost.conf");
	assert_false(conf_is_named(NULL));
	assert_true(conf_is_named("/o"));
	unsetenv("TIDEPOST_CONF");
	assert_string_equal(conf_path(NULL), "/etc/tidepost/tidepost.conf");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_node),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_money),
		cmocka_unit_test(test_link_for),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_itself),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
