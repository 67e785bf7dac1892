/*
 * A library to preload into the daemon under test. It
 *
 * - appends one line for each write, sync and send to TIDEPOST_SHIM_LOG:
 *	OPERATION PATH OCTETS "first octets", in the order they happened;
 * - moves the wall clock by the seconds in TIDEPOST_SHIM_CLOCK, or by those in
 *   the file it names (read each time, so the clock can jump), or has it
 *   stand still at the seconds in TIDEPOST_SHIM_STILL;
 * - lets the monotonic clock and the timers of the loop run TIDEPOST_SHIM_SPEED
 *   times as fast, so that a wait of minutes is one of seconds;
 * - kills the process, TIDEPOST_SHIM_KILL=before|after:OPERATION:TEXT:N, at
 *   the N-th operation with TEXT in its path or its first octets;
 * - has a disk fail: while the file TIDEPOST_SHIM_BREAK names is there and
 *   holds OPERATION:TEXT (write, pwrite, fsync or fdatasync), each of them with
 *   TEXT in its path ends with EIO; with "$" behind TEXT, at the end of its
 *   path.
 *
 * What TLS is given to send shows as ssl-write with the clear octets.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SHOWN = 48, LINE = 1024 };

#define REAL(name)                                                             \
	static __typeof__(name) *real;                                         \
	if (!real)                                                             \
	*(void **)&real = dlsym(RTLD_NEXT, #name)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -2; /* -2: not opened yet, -1: none wanted */

static long
raw_write(int fd, const void *p, size_t n)
{
	return syscall(SYS_write, fd, p, n);
}

static void
path_of(int fd, char *out, size_t size)
{
	char link[64];

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
}

static void
show(char *out, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		if (p[i] >= ' ' && p[i] < 127 && p[i] != '"' && p[i] != '\\')
			*out++ = (char)p[i];
		else
			out += sprintf(out, "\\x%02x", p[i]);
	}
	*out = '\0';
}

/* True: TIDEPOST_SHIM_KILL means this moment. */
static bool
is_killer(const char *when, const char *operation, const char *path,
	const char *octets)
{
	static unsigned long seen;
	const char *rule = getenv("TIDEPOST_SHIM_KILL");
	char at[8], op[24], part[256];
	unsigned long count;

	if (!rule || sscanf(rule, "%7[^:]:%23[^:]:%255[^:]:%lu", at, op, part,
			     &count) != 4)
		return false;
	if (strcmp(at, when) || strcmp(op, operation))
		return false;
	if (!strstr(path, part) && !strstr(octets, part))
		return false;
	return ++seen == count;
}

/*
 * A signal must not come while the lock is held: its handler may write, and
 * would wait for the lock for ever.
 */
static sigset_t
enter(void)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&lock);
	return before;
}

static void
leave(const sigset_t *before)
{
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Before an operation: notes it, and ends the process where told. */
static void
note(const char *operation, int fd, const void *p, size_t n)
{
	int kept = errno;
	char path[256], shown[4 * SHOWN + 1], line[LINE];

	sigset_t before = enter();

	if (log_fd == -2) {
		const char *name = getenv("TIDEPOST_SHIM_LOG");

		log_fd = name ? open(name,
					O_WRONLY | O_CREAT | O_APPEND |
						O_CLOEXEC,
					0600)
			      : -1;
	}
	if (fd < 0)
		strcpy(path, "tls");
	else
		path_of(fd, path, sizeof path);
	show(shown, p, p ? n : 0);
	if (log_fd >= 0 && fd != log_fd) {
		int len = snprintf(line, sizeof line, "%s %s %zu \"%s\"\n",
			operation, path, n, shown);
		raw_write(log_fd, line, (size_t)len);
	}
	if (is_killer("before", operation, path, shown))
		raise(SIGKILL);
	leave(&before);
	errno = kept;
}

/* After an operation that succeeded. */
static void
note_after(const char *operation, int fd, const void *p, size_t n)
{
	int kept = errno;
	char path[256], shown[4 * SHOWN + 1];

	sigset_t before = enter();

	path_of(fd, path, sizeof path);
	show(shown, p, n);
	if (is_killer("after", operation, path, shown))
		raise(SIGKILL);
	if (log_fd >= 0 && strstr(operation, "sync")) {
		char line[LINE];
		int len = snprintf(line, sizeof line, "%s-done %s 0 \"\"\n",
			operation, path);

		raw_write(log_fd, line, (size_t)len);
	}
	leave(&before);
	errno = kept;
}

/* --- writing and syncing --- */

static bool
is_ruled_out(const char *operation, int fd)
{
	const char *name = getenv("TIDEPOST_SHIM_BREAK");
	char rule[300] = "", path[256], *text, *at;
	int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = file >= 0 ? read(file, rule, sizeof rule - 1) : 0;
	size_t end;

	if (file >= 0)
		close(file);
	text = n > 0 ? strchr(rule, ':') : NULL;
	if (!text)
		return false;
	*text++ = '\0';
	end = strcspn(text, "$");
	path_of(fd, path, sizeof path);
	if (strcmp(rule, operation) == 0 && text[end] == '$') {
		text[end] = '\0';
		at = strlen(path) >= end ? path + strlen(path) - end : NULL;
		return at && strcmp(at, text) == 0;
	}
	return strcmp(rule, operation) == 0 && strstr(path, text);
}

static bool
is_broken(const char *operation, int fd)
{
	if (!is_ruled_out(operation, fd))
		return false;
	errno = EIO;
	return true;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	REAL(write);
	note("write", fd, p, n);
	if (is_broken("write", fd))
		return -1;
	ssize_t done = real(fd, p, n);
	note_after("write", fd, p, n);
	return done;
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	REAL(pwrite);
	note("pwrite", fd, p, n);
	if (is_broken("pwrite", fd))
		return -1;
	return real(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	REAL(pwrite64);
	note("pwrite", fd, p, n);
	if (is_broken("pwrite", fd))
		return -1;
	return real(fd, p, n, at);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	REAL(writev);
	note("writev", fd, n > 0 ? v[0].iov_base : NULL,
		n > 0 ? v[0].iov_len : 0);
	return real(fd, v, n);
}

int
fsync(int fd)
{
	REAL(fsync);
	note("fsync", fd, NULL, 0);
	if (is_broken("fsync", fd))
		return -1;
	int done = real(fd);
	note_after("fsync", fd, NULL, 0);
	return done;
}

int
fdatasync(int fd)
{
	REAL(fdatasync);
	note("fdatasync", fd, NULL, 0);
	if (is_broken("fdatasync", fd))
		return -1;
	int done = real(fd);
	note_after("fdatasync", fd, NULL, 0);
	return done;
}

/* --- sending --- */

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	REAL(send);
	note("send", fd, p, n);
	ssize_t done = real(fd, p, n, flags);
	note_after("send", fd, p, n);
	return done;
}

ssize_t
sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to,
	socklen_t to_len)
{
	REAL(sendto);
	note("send", fd, p, n);
	return real(fd, p, n, flags, to, to_len);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	REAL(sendmsg);
	note("sendmsg", fd, m->msg_iovlen ? m->msg_iov[0].iov_base : NULL,
		m->msg_iovlen ? m->msg_iov[0].iov_len : 0);
	return real(fd, m, flags);
}

/* OpenSSL's, declared here so that its headers are not needed. */
int SSL_write(void *ssl, const void *p, int n);
int SSL_write_ex(void *ssl, const void *p, size_t n, size_t *done);

int
SSL_write(void *ssl, const void *p, int n)
{
	REAL(SSL_write);
	note("ssl-write", -1, p, (size_t)n);
	return real(ssl, p, n);
}

int
SSL_write_ex(void *ssl, const void *p, size_t n, size_t *done)
{
	REAL(SSL_write_ex);
	note("ssl-write", -1, p, n);
	return real(ssl, p, n, done);
}

/* --- the wall clock --- */

static long
offset_s(void)
{
	const char *text = getenv("TIDEPOST_SHIM_CLOCK");
	char digits[32] = "";

	if (!text)
		return 0;
	if (*text != '/')
		return atol(text);
	int fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, digits, sizeof digits - 1) < 0)
		digits[0] = '\0';
	close(fd);
	return atol(digits);
}

/* Moved, or standing still at the seconds in TIDEPOST_SHIM_STILL. */
static void
set_wall(struct timespec *t)
{
	const char *still = getenv("TIDEPOST_SHIM_STILL");

	if (still)
		*t = (struct timespec){atol(still), 0};
	else
		t->tv_sec += offset_s();
}

/* --- the monotonic clock --- */

static long
speed(void)
{
	static long found;

	if (!found) {
		const char *text = getenv("TIDEPOST_SHIM_SPEED");

		found = text && atol(text) > 0 ? atol(text) : 1;
	}
	return found;
}

static void
hasten(struct timespec *t)
{
	static long long start;
	long long ns = t->tv_sec * 1000000000LL + t->tv_nsec;

	if (!start)
		start = ns;
	ns = start + (ns - start) * speed();
	t->tv_sec = ns / 1000000000LL;
	t->tv_nsec = ns % 1000000000LL;
}

/* The loop's timers: one descriptor, set to how long it is to wait. */
int
timerfd_settime(
	int fd, int flags, const struct itimerspec *in, struct itimerspec *old)
{
	REAL(timerfd_settime);
	struct itimerspec t = *in;
	long long ns = t.it_value.tv_sec * 1000000000LL + t.it_value.tv_nsec;

	if (ns > 0 && flags == 0) {
		ns = ns / speed() + 1;
		t.it_value.tv_sec = ns / 1000000000LL;
		t.it_value.tv_nsec = ns % 1000000000LL;
	}
	return real(fd, flags, &t, old);
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	long done = syscall(SYS_clock_gettime, id, t);

	if (done == 0 && speed() > 1 &&
		(id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE))
		hasten(t);
	if (done == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		set_wall(t);
	return (int)done;
}

int
gettimeofday(struct timeval *t, void *zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
