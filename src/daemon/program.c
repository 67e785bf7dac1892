#include "daemon/program.h"

#include "base/file.h"
#include "base/clock.h"
#include "daemon/letter.h"
#include "net/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	LOOK_MS = 50,
	LAST_READS = 17, /* of 4096 octets: a pipe, and one more */
};

struct run {
	const struct program *p;
	pid_t pid; /* and of its group */
	int out;   /* its output; -1 closed */
	char output[PROGRAM_OUTPUT_MAX + 1];
	size_t output_n;
	bool late, given_up; /* told to end: the deadline, or nobody waits */
	bool exited;
	int status;
};

/* --- arguments and environment --- */

/* Texts one behind the other, each with its NUL, and where they begin. */
struct texts {
	struct buf all;
	size_t at[PROGRAM_ARGS_MAX], n;
	char *v[PROGRAM_ARGS_MAX + 1];
};

static bool
texts_end(struct texts *t, size_t at)
{
	if (t->n == PROGRAM_ARGS_MAX || !buf_add(&t->all, "", 1))
		return false;
	t->at[t->n++] = at;
	return true;
}

static char **
texts_list(struct texts *t)
{
	char *base = (char *)(uintptr_t)buf_z(&t->all);

	for (size_t i = 0; i < t->n; i++)
		t->v[i] = base + t->at[i];
	t->v[t->n] = NULL;
	return t->v;
}

/*
 * An argument is cut out before anything is put in, so an address stays one.
 * Where what was put in makes it look like an option, it is refused.
 */
static bool
add_argument(struct texts *t, struct str pattern,
	const struct addressee_words *words, const char **why_r)
{
	size_t at = t->all.len;

	*why_r = "the arguments are too long";
	if (!addressee_expand(pattern, words, &t->all))
		return false;
	if (pattern.p[0] == '{' && t->all.len > at &&
		buf_view(&t->all).p[at] == '-') {
		*why_r = "an address that begins with - would be taken for an "
			 "option";
		return false;
	}
	return texts_end(t, at);
}

static bool
add_arguments(struct texts *t, const char *command,
	const struct addressee_words *words, const char **why_r)
{
	struct str rest = str_of(command);

	while (rest.n) {
		struct str word = str_cut(rest, ' ', &rest);

		if (word.n && !add_argument(t, word, words, why_r))
			return false;
	}
	return t->n > 0;
}

static bool
add_variable(struct texts *t, const char *name, const char *value)
{
	size_t at = t->all.len;

	return buf_addf(&t->all, "%s=%s", name, value) && texts_end(t, at);
}

/* What Postfix and others tell, and of our own which delivery it is. */
static bool
add_environment(
	struct texts *t, const struct program *p, const struct letter *l)
{
	char id[48];

	snprintf(id, sizeof(id), "%lld.%u", (long long)l->id, l->n);
	return add_variable(t, "PATH", "/usr/local/bin:/usr/bin:/bin") &&
	       add_variable(t, "HOME", p->home[0] ? p->home : "/") &&
	       add_variable(t, "SHELL", p->shell) &&
	       add_variable(t, "LOGNAME", p->login) &&
	       add_variable(t, "SENDER", l->sender) &&
	       add_variable(t, "RECIPIENT", l->to.recipient) &&
	       add_variable(t, "USER", l->to.user) &&
	       add_variable(t, "LOCAL", l->to.user) &&
	       add_variable(t, "EXTENSION", l->to.extension) &&
	       add_variable(t, "DOMAIN", l->to.domain) &&
	       add_variable(t, "TIDEPOST_HOST", l->hostname) &&
	       add_variable(t, "TIDEPOST_MESSAGE", id);
}

/* --- beside it --- */

static void
keep_output(struct run *r)
{
	char octets[4096];
	ssize_t n = read(r->out, octets, sizeof(octets));
	size_t room = PROGRAM_OUTPUT_MAX - r->output_n;

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		close(r->out);
		r->out = -1;
		return;
	}
	if ((size_t)n < room)
		room = (size_t)n;
	memcpy(r->output + r->output_n, octets, room);
	r->output_n += room;
}

static bool
has_output(const struct run *r)
{
	struct pollfd p = {.fd = r->out, .events = POLLIN};

	return r->out >= 0 && poll(&p, 1, 0) > 0;
}

/*
 * What it said last may stand in the pipe; what it left running may go on
 * writing for ever.
 */
static void
keep_rest(struct run *r)
{
	for (size_t i = 0; i < LAST_READS && has_output(r); i++)
		keep_output(r);
}

static void
look_for_exit(struct run *r)
{
	if (waitpid(r->pid, &r->status, WNOHANG) == r->pid)
		r->exited = true;
}

/* Until it ends, UNTIL, or nobody waits for it any more. */
static void
follow(struct run *r, uint64_t until)
{
	while (!r->exited && !r->given_up && clock_mono_ms() < until) {
		struct pollfd fds[] = {
			{.fd = r->out, .events = POLLIN},
			{.fd = r->p->watch},
		};

		if (poll(fds, 2, LOOK_MS) > 0) {
			if (fds[0].revents)
				keep_output(r);
			r->given_up = fds[1].revents != 0;
		}
		look_for_exit(r);
	}
	if (r->exited)
		keep_rest(r);
}

static void
end_group(struct run *r)
{
	uint64_t until = clock_mono_ms() + PROGRAM_GRACE_MS;

	kill(-r->pid, SIGTERM);
	while (!r->exited && clock_mono_ms() < until) {
		poll(NULL, 0, LOOK_MS);
		look_for_exit(r);
	}
	kill(-r->pid, SIGKILL);
	if (!r->exited)
		waitpid(r->pid, &r->status, 0);
	r->exited = true;
}

/* --- what it means --- */

static const struct {
	int code;
	const char *status, *text; /* "4...": it is tried again */
} meanings[] = {
	{EX_USAGE, "5.3.0", "it was called wrongly"},
	{EX_DATAERR, "5.6.0", "it finds fault with the message"},
	{EX_NOINPUT, "5.3.0", "it misses an input"},
	{EX_NOUSER, "5.1.1", "no such user"},
	{EX_NOHOST, "5.1.2", "no such host"},
	{EX_UNAVAILABLE, "5.3.0", "a service is not there"},
	{EX_SOFTWARE, "5.3.0", "a fault in it"},
	{EX_OSERR, "4.3.0", "the system refused something"},
	{EX_OSFILE, "4.3.0", "a file of the system is missing"},
	{EX_CANTCREAT, "4.3.0", "it cannot make its output"},
	{EX_IOERR, "4.3.0", "input or output failed"},
	{EX_TEMPFAIL, "4.3.0", "try later"},
	{EX_PROTOCOL, "5.5.0", "a fault of protocol"},
	{EX_NOPERM, "5.7.0", "it may not"},
	{EX_CONFIG, "4.3.5", "its configuration is wrong"},
	{126, "4.3.0", "it cannot be run"},
	{127, "4.3.0", "a program is not there"},
};

/* The first lines of its output in one: "; " between them. */
static void
add_output(const struct run *r, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < r->output_n && n + 3 < size; i++) {
		char c = r->output[i];

		if (c == '\n' && n > 0 && out[n - 1] != ' ') {
			out[n++] = ';';
			c = ' ';
		} else if (c == '\n' || c == '\r') {
			continue;
		}
		out[n++] = (unsigned char)c < ' ' || c == 127 ? '?' : c;
	}
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == ';'))
		n--;
	out[n] = '\0';
}

static void
judge_exit(const struct run *r, const char *said, struct letter_end *end_r)
{
	int code = WEXITSTATUS(r->status);
	const char *status = "5.3.0", *text = "it failed";

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].code == code) {
			status = meanings[i].status;
			text = meanings[i].text;
		}
	letter_failed(end_r,
		status[0] == '4' ? LETTER_DEFERRED : LETTER_REFUSED, status,
		"exit status %d of the program (%s)%s%s", code, text,
		said[0] ? ": " : "", said);
}

static void
judge(const struct run *r, struct letter_end *end_r)
{
	char said[LETTER_TEXT_MAX / 2];

	add_output(r, said, sizeof(said));
	if (r->late)
		letter_failed(end_r, LETTER_DEFERRED, "4.3.0",
			"the program took longer than %llu s%s%s",
			(unsigned long long)(r->p->timeout_ms / 1000),
			said[0] ? ": " : "", said);
	else if (r->given_up)
		letter_failed(end_r, LETTER_FAULT, "4.3.2",
			"the program was ended, since tidepostd ends");
	else if (WIFSIGNALED(r->status))
		letter_failed(end_r, LETTER_DEFERRED, "4.3.0",
			"the program was ended by signal %d%s%s",
			WTERMSIG(r->status), said[0] ? ": " : "", said);
	else if (WEXITSTATUS(r->status) != 0)
		judge_exit(r, said, end_r);
	else
		letter_delivered(end_r, "taken by the program");
	end_r->doubtful = r->late || r->given_up || WIFSIGNALED(r->status);
}

static void
follow_to_end(struct run *r, struct letter_end *end_r)
{
	follow(r, clock_mono_ms() + r->p->timeout_ms);
	if (!r->exited) {
		r->late = !r->given_up;
		end_group(r);
	}
	judge(r, end_r);
}

static void
run(const struct program *p, char **args, char **env, struct letter_end *end_r)
{
	struct run r = {.p = p, .pid = -1};
	int out[2] = {-1, -1}, fault;
	struct spawn s = {.argv = (const char *const *)args,
		.env = (const char *const *)env,
		.folder = p->home[0] ? p->home : "/",
		.in = p->input};

	if (pipe2(out, O_CLOEXEC) < 0) {
		fault = errno;
	} else {
		s.out = s.err = out[1];
		fault = spawn_start(&s, &r.pid);
	}
	close(out[1]);
	r.out = out[0];
	if (fault)
		letter_failed(end_r, LETTER_FAULT, "4.3.0",
			"cannot run %.200s in %.200s: %s", p->command, s.folder,
			strerror(fault));
	else
		follow_to_end(&r, end_r);
	if (r.out >= 0)
		close(r.out);
}

void
program_run(const struct program *p, const struct letter *l,
	struct letter_end *end_r)
{
	const char *why = "the command is empty";
	const struct addressee_words words = {&l->to, l->sender, p->home};
	struct texts args = {.n = 0}, env = {.n = 0};

	buf_init(&args.all, PROGRAM_TEXT_MAX);
	buf_init(&env.all, PROGRAM_TEXT_MAX);
	if (!add_arguments(&args, p->command, &words, &why))
		letter_failed(end_r, LETTER_REFUSED, "5.1.1", "%s", why);
	else if (!add_environment(&env, p, l))
		letter_failed(end_r, LETTER_REFUSED, "5.1.1",
			"the environment is too long");
	else
		run(p, texts_list(&args), texts_list(&env), end_r);
	buf_free(&args.all);
	buf_free(&env.all);
}
