#include "daemon/daemon.h"

#include "base/file.h"
#include "base/log.h"
#include "daemon/journal.h"
#include "daemon/notify.h"
#include "daemon/syslogsink.h"
#include "net/given.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
print_usage(FILE *f)
{
	fputs("usage: tidepostd [-Dhnv] [-c FILE]\n"
	      "  -c FILE  configuration (default: TIDEPOST_CONF, or "
	      "/etc/tidepost/tidepost.conf)\n"
	      "  -D       detach from the terminal\n"
	      "  -h       these lines; tidepostd(8) says more\n"
	      "  -n       check the configuration and exit\n"
	      "  -v       log more\n",
		f);
}

static void
to_syslog(const struct log_fact *fact, const char *line, void *arg)
{
	(void)arg;
	syslog_sink_write((int)fact->level, line);
}

static void
open_log(const struct conf *conf, bool verbose, bool detached)
{
	enum log_level level = LOG_INFO;

	log_level_parse(str_of(conf->log.level), &level);
	log_set_level(verbose ? LOG_DEBUG : level);
	if (strcmp(conf->log.to, "journal") == 0 && journal_open()) {
		log_set_sink(journal_write, NULL);
		return;
	}
	/* Detached, there is no standard error any more. */
	if (strcmp(conf->log.to, "syslog") != 0 && !detached)
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

/*
 * The parent stays until the daemon is ready, or ends with its status: a boot
 * script learns whether it runs.
 */
static enum err_code
detach_from_terminal(struct err *e)
{
	int fd[2], status;
	char ready;
	pid_t pid;

	if (pipe(fd) < 0 || (pid = fork()) < 0)
		return err_set(e, ERR_IO, "cannot detach: %s", strerror(errno));
	if (pid == 0) {
		close(fd[0]);
		setsid();
		notify_set_parent(fd[1]);
		return OK;
	}
	close(fd[1]);
	if (read(fd[0], &ready, 1) == 1)
		_exit(0);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(err_exit_status(ERR_IO));
}

int
main(int argc, char **argv)
{
	const char *file = NULL;
	bool detach = false, check = false, verbose = false;
	struct node n = {0};
	struct err e = {0};
	enum err_code rc;
	static const struct option help[] = {
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int opt;

	file_keep_standard_streams();
	while ((opt = getopt_long(argc, argv, "c:Dhnv", help, NULL)) != -1) {
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
	given_look(); /* before a fork: they are for this process */
	rc = daemon_load_conf(conf_path(file), &n.conf, &e);
	if (rc != OK)
		return fail(rc, &e);
	if (check) {
		conf_free(n.conf);
		return 0;
	}
	if (detach)
		rc = detach_from_terminal(&e);
	if (rc != OK)
		return fail(rc, &e);
	open_log(n.conf, verbose, detach);
	rc = daemon_run(&n, &e);
	return rc == OK ? 0 : fail(rc, &e);
}
