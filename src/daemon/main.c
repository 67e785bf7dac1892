#include "daemon/daemon.h"

#include "base/log.h"
#include "daemon/syslogsink.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
print_usage(FILE *f)
{
	fputs("usage: tidepostd [-Dnv] [-c FILE]\n"
	      "  -c FILE  configuration (default: TIDEPOST_CONF, or "
	      "/etc/tidepost/tidepost.conf)\n"
	      "  -D       detach from the terminal\n"
	      "  -n       check the configuration and exit\n"
	      "  -v       log more\n",
		f);
}

static void
to_syslog(enum log_level level, const char *line, void *arg)
{
	(void)arg;
	syslog_sink_write((int)level, line);
}

static void
open_log(const struct conf *conf, bool verbose)
{
	enum log_level level = LOG_INFO;

	log_level_parse(str_of(conf->log.level), &level);
	log_set_level(verbose ? LOG_DEBUG : level);
	if (strcmp(conf->log.to, "syslog") != 0)
		return;
	syslog_sink_open();
	log_set_sink(to_syslog, NULL);
}

static int
fail(enum err_code rc, const struct err *e)
{
	fprintf(stderr, "tidepostd: %s\n", e->text[0] ? e->text : err_text(rc));
	return err_exit_status(rc);
}

int
main(int argc, char **argv)
{
	const char *file = NULL;
	bool detach = false, check = false, verbose = false;
	struct node n = {0};
	struct err e = {0};
	enum err_code rc;
	int opt;

	while ((opt = getopt(argc, argv, "c:Dhnv")) != -1) {
		switch (opt) {
		case 'c':
			file = optarg;
			break;
		case 'D':
			detach = true;
			break;
		case 'n':
			check = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return err_exit_status(ERR_USAGE);
		}
	}
	if (optind != argc) {
		print_usage(stderr);
		return err_exit_status(ERR_USAGE);
	}
	rc = daemon_load_conf(conf_path(file), &n.conf, &e);
	if (rc != OK)
		return fail(rc, &e);
	if (check) {
		conf_free(n.conf);
		return 0;
	}
	open_log(n.conf, verbose);
	if (detach && daemon(0, 1) < 0) {
		err_set(&e, ERR_IO, "cannot detach: %s", strerror(errno));
		return fail(ERR_IO, &e);
	}
	rc = daemon_run(&n, &e);
	return rc == OK ? 0 : fail(rc, &e);
}
