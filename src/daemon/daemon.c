#include "daemon/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/certwatch.h"
#include "daemon/claims.h"
#include "daemon/accounts.h"
#include "daemon/control.h"
#include "daemon/dispatch.h"
#include "daemon/dovecot.h"
#include "daemon/dovecot_users.h"
#include "daemon/dropbox.h"
#include "daemon/etrn.h"
#include "daemon/fill.h"
#include "daemon/eventlog.h"
#include "daemon/gateways.h"
#include "daemon/guess.h"
#include "daemon/helper.h"
#include "daemon/life.h"
#include "daemon/alarm.h"
#include "daemon/hook.h"
#include "daemon/lifetime.h"
#include "daemon/links.h"
#include "daemon/local.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/policy.h"
#include "daemon/report.h"
#include "daemon/rights.h"
#include "daemon/sandbox.h"
#include "sched/rate.h"
#include "daemon/services.h"
#include "daemon/speeds.h"
#include "daemon/session.h"
#include "daemon/steady.h"
#include "daemon/ticketkeys.h"
#include "daemon/unpack.h"
#include "spool/queue.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DAEMON_HELPERS = 4,
	DAEMON_FILES_BESIDE = 100, /* descriptors besides connections */
	DAEMON_SWEEP_EVERY_MS = 600000,
	DAEMON_SWEEP_BATCH = 1000,
	DAEMON_TICKET_KEYS_MS = 86400000,
};

/* --- configuration --- */

enum err_code
daemon_load_conf(const char *file, struct conf **conf_r, struct err *e)
{
	struct complaints all = {0};
	enum err_code rc = OK;
	struct buf text;

	conf_load(file, conf_r, &all);
	buf_init(&text, 0);
	for (size_t i = 0; i < all.n; i++)
		complaint_format(&all.v[i], &text);
	if (text.len)
		fputs(buf_z(&text), stderr);
	if (all.errors)
		rc = err_set(e, ERR_CONFIG, "%s: %zu error%s, nothing changed",
			file, all.errors, all.errors == 1 ? "" : "s");
	if (rc == OK && (*conf_r)->local.aliases &&
		(*conf_r)->local.domains.n && !(*conf_r)->local.alias_table) {
		rc = err_set(e, ERR_CONFIG,
			"local.aliases cannot be read, nothing changed");
		conf_free(*conf_r);
		*conf_r = NULL;
	}
	buf_free(&text);
	complaints_free(&all);
	return rc;
}

static enum err_code
add_identities(
	struct tls_client *client, const struct conf *conf, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < conf->peers_n && rc == OK; i++) {
		const struct conf_peer *p = &conf->peers[i];

		if (!p->certificate)
			continue;
		rc = tls_client_identity(client, p->certificate, p->key, e);
		if (rc != OK)
			rc = err_wrap(e, rc, "peer %s", p->name);
	}
	return rc;
}

enum err_code
daemon_make_tls(struct node *n, const struct conf *conf,
	struct tls_server **server_r, struct tls_client **client_r,
	struct err *e)
{
	struct tls_client_conf client = {
		.ca_file = conf->tls.ca_file,
		.min_version = conf->tls.min_version,
	};
	struct tls_server_conf server = {
		.certificate = conf->tls.certificate,
		.key = conf->tls.key,
		.ca_file = conf->tls.client_ca_file,
		.min_version = conf->tls.min_version,
	};
	enum err_code rc = tls_client_new(&client, client_r, e);

	if (rc == OK)
		rc = add_identities(*client_r, conf, e);
	if (rc != OK || !conf->tls.certificate)
		return rc;
	server.ticket_keys = n->ticket_keys->v;
	server.ticket_keys_n = n->ticket_keys->n;
	return tls_server_new(&server, server_r, e);
}

/* --- folders and rights --- */

static enum err_code
make_run_dir(const struct conf *conf, struct err *e)
{
	if (mkdir(conf->run_dir, 0755) == 0 || errno == EEXIST)
		return OK;
	return err_set(e, errno == EACCES ? ERR_PERM : ERR_IO,
		"cannot make run_dir %s: %s (make its folder first, or set "
		"run_dir)",
		conf->run_dir, strerror(errno));
}

/* Started as root: spool and run_dir belong to who we become. */
static enum err_code
give_folder(const char *path, const struct passwd *pw, struct err *e)
{
	if (chown(path, pw->pw_uid, pw->pw_gid) == 0)
		return OK;
	return err_set(e, ERR_PERM, "cannot give %s to user %s: %s", path,
		pw->pw_name, strerror(errno));
}

static enum err_code
find_user(const struct conf *conf, const struct passwd **pw_r, struct err *e)
{
	*pw_r = NULL;
	if (geteuid() != 0 || strcmp(conf->user, "root") == 0)
		return OK;
	*pw_r = getpwnam(conf->user);
	if (*pw_r)
		return OK;
	return err_set(e, ERR_CONFIG,
		"user \"%s\" does not exist: make it (adduser --system --group "
		"%s) or set another with user = \"NAME\";",
		conf->user, conf->user);
}

/* --- the spool --- */

static void
dispatch_spool(void *arg)
{
	struct node *n = arg;

	if (n->spool)
		spool_dispatch(n->spool);
}

/* From the spool's threads. */
static void
notify(void *arg)
{
	struct node *n = arg;

	loop_post(n->loop, dispatch_spool, n);
}

static enum err_code
open_spool(struct node *n, struct err *e)
{
	struct spool_options o = {
		.url = n->conf->spool,
		.create = true,
		.daemon = true,
		.notify = notify,
		.notify_arg = n,
		.reserve_bytes = n->conf->limits.disk_reserve,
		.events_max = n->conf->log.keep_size / 256,
		.events_keep_s = n->conf->log.keep_s,
	};

	return spool_open(&o, &n->spool, e);
}

static enum err_code
write_sweep(struct spool_txn *t, void *arg, struct err *e)
{
	(void)arg;
	return spool_sweep(t, clock_sane_s(), DAEMON_SWEEP_BATCH, e);
}

static void
swept(void *arg, enum err_code code, const struct err *e)
{
	(void)arg;
	if (code != OK)
		log_warning("sweep-failed", LOG_STR("why", e->text));
}

struct sweeper {
	struct node *n;
	struct loop_timer *timer;
};

/* The certificate is read anew, too. */
static void
ticket_keys_renewed(void *arg, const struct ticketkeys *keys)
{
	struct node *n = arg;
	struct tls_server *server = NULL;
	struct tls_client *client = NULL;
	struct err e = {0};

	if (!keys || n->stopping)
		return;
	*n->ticket_keys = *keys;
	if (daemon_make_tls(n, n->conf, &server, &client, &e) != OK) {
		log_warning("certificate", LOG_STR("why", e.text));
		tls_server_free(server);
		tls_client_free(client);
		return;
	}
	tls_server_free(n->tls_server);
	tls_client_free(n->tls_client);
	n->tls_server = server;
	n->tls_client = client;
}

/* Once a day. */
static void
renew_ticket_keys(struct node *n)
{
	if (!n->tls_server ||
		clock_mono_ms() - n->tls_made_ms < DAEMON_TICKET_KEYS_MS)
		return;
	n->tls_made_ms = clock_mono_ms();
	ticketkeys_renew(n->spool, ticket_keys_renewed, n);
}

static void
sweep(void *arg)
{
	struct sweeper *s = arg;

	spool_submit(s->n->spool, write_sweep, swept, NULL);
	lifetime_look(s->n->lifetime);
	renew_ticket_keys(s->n);
	loop_timer_set(s->timer, DAEMON_SWEEP_EVERY_MS);
}

/* --- signals --- */

static void
stop_loop(void *arg)
{
	struct node *n = arg;

	loop_stop(n->loop);
}

static void
end_hooks(void *arg)
{
	struct node *n = arg;

	hooks_quit(n->hooks, stop_loop, n);
}

/* Lines we opened are closed first; told twice, it ends at once. */
static void
on_stop(void *arg)
{
	struct node *n = arg;

	if (n->told_to_stop) {
		loop_stop(n->loop);
		return;
	}
	n->told_to_stop = true;
	log_info("stopping", LOG_STR("hostname", n->conf->hostname));
	hooks_quit(n->hooks, NULL, NULL);
	links_quit(n->links, end_hooks, n);
}

/*
 * No program runs any more. Whoever started us may do it again; else mail is
 * still accepted, and waits.
 */
static void
on_helper_ended(void *arg)
{
	struct node *n = arg;

	if (!notify_is_managed() || n->told_to_stop)
		return;
	n->helper_ended = true;
	on_stop(n);
}

static void
on_reload(void *arg)
{
	struct err e = {0};

	node_reload(arg, &e);
}

/* --- start and end --- */

/* Before anything is made: a certificate that cannot be used changes nothing.
 */
static enum err_code
try_certificate(const struct conf *conf, struct err *e)
{
	struct tls_server_conf c = {
		.certificate = conf->tls.certificate,
		.key = conf->tls.key,
		.ca_file = conf->tls.client_ca_file,
		.min_version = conf->tls.min_version,
	};
	struct tls_server *server = NULL;
	enum err_code rc = OK;

	if (conf->tls.certificate)
		rc = tls_server_new(&c, &server, e);
	tls_server_free(server);
	return rc == OK ? OK : ERR_CONFIG;
}

/*
 * A connection is a descriptor. What is promised must be possible: said now,
 * not when the five hundredth client is turned away.
 */
static enum err_code
raise_file_limit(const struct conf *conf, struct err *e)
{
	rlim_t need = conf->limits.connections + DAEMON_FILES_BESIDE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= need)
		return OK;
	limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= need)
		return OK;
	return err_set(e, ERR_CONFIG,
		"limits.connections = %u needs %llu open files, this process "
		"may have %llu: raise the limit (ulimit -n, or LimitNOFILE of "
		"the service) or lower the setting",
		conf->limits.connections, (unsigned long long)need,
		(unsigned long long)limit.rlim_max);
}

/*
 * All that wants the rights it was started with; then it gives them up. No
 * threads before: they would keep theirs.
 */
static enum err_code
open_doors(struct node *n, struct err *e)
{
	const struct passwd *pw;
	enum err_code rc = find_user(n->conf, &pw, e);

	if (rc == OK)
		rc = raise_file_limit(n->conf, e);
	if (rc == OK)
		rc = try_certificate(n->conf, e);
	if (rc == OK)
		rc = make_run_dir(n->conf, e);
	if (rc == OK && pw)
		rc = give_folder(n->conf->run_dir, pw, e);
	if (rc == OK)
		dropbox_make(n->conf, pw);
	if (rc == OK)
		rc = services_new(n, &n->services, e);
	if (rc == OK && pw)
		rc = services_give(n->services, pw, e);
	/* The spool is made and opened as who we become. */
	if (rc == OK)
		rc = rights_drop(pw, e);
	if (rc == OK)
		n->sandbox = sandbox_new(n->conf);
	return rc;
}

static enum err_code
open_all(struct node *n, struct err *e)
{
	enum err_code rc = open_spool(n, e);
	struct page *page;

	if (rc == OK)
		rc = ticketkeys_load(n->spool, n->ticket_keys, e);
	if (rc == OK)
		rc = daemon_make_tls(
			n, n->conf, &n->tls_server, &n->tls_client, e);
	if (rc == OK)
		rc = node_load_generation(n, e);
	if (rc == OK)
		rc = steady_load(n->steady, e);
	if (rc == OK)
		rc = report_load(n->report, e);
	if (rc == OK)
		rc = accounts_load(n->accounts, n->spool, e);
	if (rc == OK)
		rc = fill_load(n->fill, e);
	if (rc == OK)
		rc = speeds_new(n, &n->speeds, e);
	if (rc == OK)
		rc = budgets_new(n, &n->budgets, e);
	if (rc == OK)
		rc = hooks_load(n->hooks, e);
	if (rc == OK)
		rc = links_new(n, &n->links, e);
	if (rc == OK)
		hooks_loaded(n->hooks);
	if (rc == OK)
		rc = control_new(n, &n->control, e);
	if (rc == OK)
		rc = metrics_open(n->metrics, n->conf, &page, e);
	if (rc == OK)
		metrics_serve(n->metrics, page);
	return rc;
}

static void
close_sessions(struct node *n)
{
	while (!list_empty(&n->sessions))
		session_shutdown(
			LIST_ITEM(n->sessions.next, struct session, node));
}

static void
close_all(struct node *n)
{
	n->stopping = true;
	notify_stopping();
	hooks_quit(n->hooks, NULL, NULL);
	control_free(n->control);
	metrics_stop(n->metrics);
	services_free(n->services);
	n->services = NULL;
	if (n->local)
		local_stop(n->local);
	if (n->dispatch)
		dispatch_stop(n->dispatch);
	if (n->etrn)
		etrn_stop(n->etrn);
	dropbox_stop(n->dropbox);
	gateways_stop(n->gateways);
	unpack_stop(n->unpack);
	close_sessions(n);
	if (n->local)
		local_join(n->local);
	pool_free(n->pool);
	dropbox_free(n->dropbox);
	speeds_stop(n->speeds);
	if (n->budgets)
		budgets_stop(n->budgets);
	if (n->eventlog)
		eventlog_stop(n->eventlog);
	spool_close(n->spool);
	n->spool = NULL;
	eventlog_free(n->eventlog);
	claims_free(n->claims);
	life_free(n->life);
	lifetime_free(n->lifetime);
	steady_free(n->steady);
	alarm_free(n->alarm);
	certwatch_free(n->certwatch);
	metrics_free(n->metrics);
	report_free(n->report);
	fill_free(n->fill);
	loop_timer_free(n->trim);
	loop_timer_free(n->reroute);
	links_free(n->links);
	hooks_free(n->hooks);
	budgets_free(n->budgets);
	speeds_free(n->speeds);
	dispatch_free(n->dispatch);
	local_free(n->local);
	gateways_free(n->gateways);
	unpack_free(n->unpack);
	helper_free(n->helper);
	sandbox_free(n->sandbox);
	etrn_free(n->etrn);
	accounts_free(n->accounts);
	dovecot_free(n->dovecot);
	dovecot_users_free(n->dovecot_users);
	rate_free(n->rate);
	guess_free(n->guess);
	rate_free(n->atrn_rate);
	tls_server_free(n->tls_server);
	tls_client_free(n->tls_client);
	explicit_bzero(n->ticket_keys, sizeof(*n->ticket_keys));
	free(n->ticket_keys);
	loop_free(n->loop);
	for (size_t i = 0; i < n->retired_n; i++)
		conf_free(n->retired[i]);
	free(n->retired);
	conf_free(n->conf);
}

static void
run(struct node *n)
{
	struct sweeper sweeper = {.n = n};

	sweeper.timer = loop_timer_new(n->loop, sweep, &sweeper);
	loop_timer_set(sweeper.timer, 1000);
	loop_signal(n->loop, SIGTERM, on_stop, n);
	loop_signal(n->loop, SIGINT, on_stop, n);
	loop_signal(n->loop, SIGHUP, on_reload, n);
	n->eventlog = eventlog_new(n);
	dovecot_set_auth(n->dovecot, n->conf->auth);
	dovecot_users_set_conf(n->dovecot_users, n->conf);
	node_reroute(n); /* the configuration may be another than last time */
	dispatch_all(n->dispatch);
	n->dropbox = dropbox_new(n);
	life_look(n->life);
	helper_watch(n->helper, n->loop, on_helper_ended, n);
	log_info("ready", LOG_STR("hostname", n->conf->hostname),
		LOG_INT("pid", getpid()),
		LOG_STR("clock", clock_trusted() ? "trusted" : "not trusted"));
	notify_ready();
	loop_run(n->loop);
	loop_timer_free(sweeper.timer);
}

enum err_code
daemon_run(struct node *n, struct err *e)
{
	enum err_code rc;

	/* before threads, descriptors and secrets are there */
	rc = helper_start(n->conf, &n->helper, e);
	if (rc != OK)
		return rc;
	list_init(&n->sessions);
	n->started_s = clock_sane_s();
	n->started_ms = n->tls_made_ms = clock_mono_ms();
	n->loop = loop_new();
	rc = open_doors(n, e);
	n->pool = pool_new(n->loop, DAEMON_HELPERS);
	n->ticket_keys = xcalloc(1, sizeof(*n->ticket_keys));
	n->accounts = accounts_new();
	n->dovecot = dovecot_new(n->loop);
	n->dovecot_users = dovecot_users_new(n->loop);
	n->rate = rate_new();
	n->guess = guess_new(n);
	n->atrn_rate = rate_new();
	n->dispatch = dispatch_new(n);
	n->fill = fill_new(n);
	n->claims = claims_new(n);
	n->local = local_new(n);
	n->gateways = gateways_new(n);
	n->unpack = unpack_new(n);
	n->etrn = etrn_new(n);
	n->steady = steady_new(n);
	n->life = life_new(n);
	n->lifetime = lifetime_new(n);
	n->certwatch = certwatch_new(n);
	n->metrics = metrics_new(n);
	n->report = report_new(n);
	n->hooks = hooks_new(n);
	n->alarm = alarm_new(n);
	if (rc == OK)
		rc = open_all(n, e);
	if (rc == OK)
		run(n);
	if (rc == OK && n->helper_ended)
		rc = err_set(e, ERR_BUSY, "%s", helper_trouble(n->helper));
	close_all(n);
	return rc;
}
