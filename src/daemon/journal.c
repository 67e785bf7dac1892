#include "daemon/journal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Where another one listens: for containers, and for tests. */
#define JOURNAL_ENV "TIDEPOST_JOURNAL_SOCKET"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
/* As in syslog(3): 2 is mail. */
#define JOURNAL_FACILITY "2"

static int journal_fd = -1;
static struct sockaddr_un journal_to = {.sun_family = AF_UNIX};
static atomic_uint journal_lost, journal_lost_told; /* facts */

/* --- a record --- */

/* What has line ends comes with its length, in eight octets, lowest first. */
static void
add(struct buf *out, const char *key, struct str value)
{
	uint64_t n = value.n;

	buf_addz(out, key);
	if (!memchr(value.p, '\n', value.n)) {
		buf_addz(out, "=");
	} else {
		buf_addz(out, "\n");
		for (int i = 0; i < 8; i++, n >>= 8)
			buf_add(out, &(char){(char)(n & 0xff)}, 1);
	}
	buf_adds(out, value);
	buf_addz(out, "\n");
}

static void
add_number(struct buf *out, const char *key, int64_t number)
{
	buf_addf(out, "%s=%lld\n", key, (long long)number);
}

/* The fields that have names of their own there; tidepostd(8) lists them. */
static const char *
field_name(const char *key)
{
	static const char *const names[][2] = {
		{"msg", "TIDEPOST_MESSAGE"},
		{"peer", "TIDEPOST_PEER"},
		{"link", "TIDEPOST_LINK"},
		{"session", "TIDEPOST_SESSION"},
		{"account", "TIDEPOST_ACCOUNT"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i][0], key) == 0)
			return names[i][1];
	return NULL;
}

static void
add_field(struct buf *out, const struct log_field *f)
{
	const char *name = field_name(f->key);

	if (name && f->text)
		add(out, name,
			(struct str){f->text, f->text_n < LOG_VALUE_MAX
						      ? f->text_n
						      : LOG_VALUE_MAX});
	else if (name)
		add_number(out, name, f->number);
}

/* "4711.2", where the fact is one of a delivery. */
static void
add_delivery(struct buf *out, const struct log_field *fields)
{
	int64_t message = 0, n = 0;

	for (const struct log_field *f = fields; f->key; f++) {
		if (!f->text && strcmp(f->key, "msg") == 0)
			message = f->number;
		else if (!f->text && strcmp(f->key, "n") == 0)
			n = f->number;
	}
	if (message && n)
		buf_addf(out, "TIDEPOST_DELIVERY=%lld.%lld\n",
			(long long)message, (long long)n);
}

void
journal_record(const struct log_fact *fact, const char *line, struct buf *out)
{
	static const char priorities[] = {'7', '6', '4', '3'};
	struct str text = str_of(line);

	if (text.n > JOURNAL_LINE_MAX)
		text.n = JOURNAL_LINE_MAX;
	add(out, "MESSAGE", text);
	buf_addf(out, "PRIORITY=%c\n", priorities[fact->level]);
	buf_addz(out, "SYSLOG_IDENTIFIER=tidepostd\n"
		      "SYSLOG_FACILITY=" JOURNAL_FACILITY "\n");
	add(out, "CODE_FILE", str_of(fact->file));
	add_number(out, "CODE_LINE", fact->line);
	add(out, "CODE_FUNC", str_of(fact->function));
	add(out, "TIDEPOST_EVENT", str_of(fact->event));
	for (const struct log_field *f = fact->fields; f->key; f++)
		if (out->len < JOURNAL_RECORD_MAX - 2 * LOG_VALUE_MAX)
			add_field(out, f);
	add_delivery(out, fact->fields);
}

/* --- to journald --- */

/* errno; 0: it was taken. */
static int
send_record(struct str octets)
{
	ssize_t n = sendto(journal_fd, octets.p, octets.n,
		MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&journal_to, sizeof(journal_to));

	return n < 0 ? errno : 0;
}

/* Once for all that were lost before it. The fact itself may be lost, too. */
static void
tell_lost(void)
{
	unsigned lost = atomic_load(&journal_lost);

	if (atomic_exchange(&journal_lost_told, lost) != lost)
		log_warning("journal-lost", LOG_INT("facts", lost),
			LOG_STR("why", "journald did not keep up; they are in "
				       "tidepost log"));
}

void
journal_write(const struct log_fact *fact, const char *line, void *arg)
{
	struct buf out;
	int error;

	(void)arg;
	buf_init(&out, 0);
	journal_record(fact, line, &out);
	error = send_record(buf_view(&out));
	buf_free(&out);
	if (error == EAGAIN || error == ENOBUFS)
		atomic_fetch_add(&journal_lost, 1);
	else if (error)
		log_to_stderr(fact, line);
	else
		tell_lost();
}

/* Nothing is sent: where nobody listens, no connection is made. */
static int
probe(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&journal_to,
			      sizeof(journal_to)) != 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	return error;
}

bool
journal_open(void)
{
	const char *path = getenv(JOURNAL_ENV);
	int error;

	str_copyz(journal_to.sun_path, sizeof(journal_to.sun_path),
		path && path[0] ? path : JOURNAL_SOCKET);
	error = probe();
	if (!error) {
		journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		error = journal_fd < 0 ? errno : 0;
	}
	if (error)
		log_warning("no-journal", LOG_STR("path", journal_to.sun_path),
			LOG_STR("why", strerror(error)));
	return !error;
}
