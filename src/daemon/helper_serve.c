/* The helper process: takes requests, has a process of its own do each. */
#include "daemon/helper_private.h"

#include "base/log.h"
#include "daemon/notify.h"
#include "daemon/rights.h"
#include "net/given.h"
#include "net/minder.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct serve {
	const struct conf *conf; /* owned, but for the first */
	struct conf *next;	 /* owned; read, not yet adopted */
	struct permits permits;
	int letters, programs;		   /* sockets; -1: closed */
	pid_t working[HELPER_LETTERS_MAX]; /* on letters; 0: none */
	size_t running;			   /* programs */
	bool over;
	char packet[HELPER_PACKET_MAX];
};

static void
close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* --- processes of its own --- */

static pid_t *
letter_place(struct serve *s, pid_t pid)
{
	for (size_t i = 0; i < HELPER_LETTERS_MAX; i++)
		if (s->working[i] == pid)
			return &s->working[i];
	return NULL;
}

static void
reap(struct serve *s)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		pid_t *letter = letter_place(s, pid);

		if (letter)
			*letter = 0;
		else if (s->running)
			s->running--;
	}
}

/* -1: there is none, which is logged. 0: we are it, and ask nobody. */
static pid_t
fork_one(const struct serve *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(s->letters);
		close(s->programs);
	}
	if (pid < 0)
		log_error(
			"helper-cannot-fork", LOG_STR("why", strerror(errno)));
	return pid;
}

/* --- letters --- */

static bool
is_letter(const struct helper_letter *q, ssize_t n, size_t fds_n)
{
	return n == (ssize_t)sizeof(*q) && fds_n == HELPER_LETTER_FDS &&
	       q->magic == HELPER_MAGIC &&
	       memchr(q->recipient, 0, sizeof(q->recipient)) &&
	       memchr(q->sender, 0, sizeof(q->sender));
}

static void
take_letter(struct serve *s)
{
	struct helper_letter q;
	int fds[HELPER_FDS_MAX];
	size_t fds_n;
	ssize_t n = helper_receive(s->letters, &q, sizeof(q), fds, &fds_n);
	pid_t *place = letter_place(s, 0);

	if (n == 0 && fds_n == 0) {
		s->over = true;
		return;
	}
	if (is_letter(&q, n, fds_n) && place) {
		*place = fork_one(s);
		if (*place == 0)
			helper_work(s->conf, &q, fds[0], fds[1]);
		if (*place < 0)
			*place = 0;
	} else if (n >= 0 || errno == EBADMSG) {
		log_error("helper-request-malformed",
			LOG_STR("what", "a letter"));
	}
	close_all(fds, fds_n);
}

/* --- programs --- */

static void
refuse(const struct helper_request *q, int control, const char *why)
{
	log_error("helper-refused", LOG_STR("name", q->name),
		LOG_STR("command", q->command), LOG_STR("why", why));
	minder_refuse(control, why);
}

static void
run(struct serve *s, const struct helper_request *q, const int *fds,
	size_t fds_n)
{
	struct permit permit = {.command = NULL};
	struct err e = {0};
	pid_t pid;

	if (fds_n != HELPER_PROGRAM_FDS - (q->has_io ? 0U : 1U)) {
		log_error("helper-request-malformed",
			LOG_STR("what", "its descriptors"));
	} else if (permits_look(&s->permits, q, &permit, &e) != OK) {
		refuse(q, fds[0], e.text);
	} else if (s->running == HELPER_PROGRAMS_MAX) {
		refuse(q, fds[0], "too many programs run");
	} else {
		pid = fork_one(s);
		if (pid == 0)
			helper_run(s->conf, &permit, q, fds, fds_n);
		if (pid < 0)
			minder_refuse(fds[0], "no process could be made");
		else
			s->running++;
	}
	free(permit.command);
}

/* --- the configuration --- */

static void
answer(int fd, const char *why)
{
	size_t n = why[0] ? strlen(why) : 1;
	ssize_t sent = send(fd, why, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)sent; /* who asked is gone */
}

static void
read_conf(struct serve *s, const int *fds, size_t fds_n)
{
	struct complaints all = {0};
	struct err e = {0};

	if (fds_n != 1)
		return;
	conf_free(s->next);
	conf_load(s->conf->file, &s->next, &all);
	if (!s->next)
		err_set(&e, ERR_CONFIG, "the helper finds errors in %s",
			s->conf->file);
	else if (geteuid() == 0 && strcmp(s->next->user, s->conf->user) != 0)
		err_set(&e, ERR_CONFIG,
			"user changed, and the rights of the old one are all "
			"that is left: start tidepostd anew");
	if (e.text[0]) {
		conf_free(s->next);
		s->next = NULL;
	}
	complaints_free(&all);
	answer(fds[0], e.text);
}

static void
adopt(struct serve *s)
{
	struct conf *old = (struct conf *)(uintptr_t)s->conf;

	if (!s->next)
		return;
	permits_set(&s->permits, s->next);
	s->conf = s->next;
	s->next = NULL;
	conf_free(old);
}

/* --- requests --- */

static void
obey(struct serve *s, const struct helper_request *q, const int *fds,
	size_t fds_n)
{
	if (q->kind == HELPER_RELOAD)
		read_conf(s, fds, fds_n);
	else if (q->kind == HELPER_ADOPT)
		adopt(s);
	else
		run(s, q, fds, fds_n);
}

static void
take_program(struct serve *s)
{
	struct helper_request q;
	int fds[HELPER_FDS_MAX];
	struct err e = {0};
	size_t fds_n;
	ssize_t n = helper_receive(
		s->programs, s->packet, sizeof(s->packet), fds, &fds_n);

	if (n == 0 && fds_n == 0) {
		s->over = true;
		return;
	}
	if (n < 0 && errno == EBADMSG)
		err_set(&e, ERR_INVALID,
			"too long, or with too many descriptors");
	else if (n >= 0 &&
		 helper_request_read(
			 (struct str){s->packet, (size_t)n}, &q, &e) == OK)
		obey(s, &q, fds, fds_n);
	if (e.text[0])
		log_error("helper-request-malformed", LOG_STR("what", e.text));
	else if (n >= 0)
		helper_request_clear(&q);
	close_all(fds, fds_n);
}

/* Nothing of the daemon's stays with it, and nobody looks into it. */
static void
make_alone(void)
{
	notify_let_go();
	given_close();
	rights_keep_ports();
	prctl(PR_SET_NAME, "tidepost-helper");
	prctl(PR_SET_DUMPABLE, 0);
}

void
helper_serve(const struct conf *conf, int letters, int programs)
{
	struct serve *s = xcalloc(1, sizeof(*s));
	sigset_t inside;

	s->conf = conf;
	s->letters = letters;
	s->programs = programs;
	permits_set(&s->permits, conf);
	spawn_keeper_signals(&inside);
	make_alone();
	while (!s->over) {
		struct pollfd p[] = {
			{.fd = letter_place(s, 0) ? s->letters : -1,
				.events = POLLIN},
			{.fd = s->programs, .events = POLLIN},
		};
		int n = ppoll(p, 2, NULL, &inside);

		reap(s);
		if (n > 0 && p[0].revents)
			take_letter(s);
		if (n > 0 && p[1].revents)
			take_program(s);
	}
	_exit(0);
}
