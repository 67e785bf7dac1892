#include "conf/timezone.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEZONE_FOLDER "/usr/share/zoneinfo"

enum { TIMEZONE_FILE_MAX = 64 * 1024, TIMEZONE_NAME_MAX = 100 };

/* Of the database, as IANA gives names; never a way out of its folder. */
static bool
is_name(const char *s)
{
	if (!isalpha((unsigned char)s[0]) || strlen(s) > TIMEZONE_NAME_MAX)
		return false;
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("/_+-", *p))
			return false;
	return true;
}

static enum err_code
read_open_file(int fd, struct zone *z_r, struct err *e)
{
	char *octets = xmalloc(TIMEZONE_FILE_MAX);
	size_t n = 0;
	ssize_t got;
	enum err_code rc;

	while (n < TIMEZONE_FILE_MAX &&
		(got = read(fd, octets + n, TIMEZONE_FILE_MAX - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		n += (size_t)got;
	}
	rc = n == TIMEZONE_FILE_MAX
		     ? err_set(e, ERR_LIMIT, "it is too large")
		     : zone_parse_file(z_r, (struct str){octets, n}, e);
	free(octets);
	return rc;
}

/* ERR_NOTFOUND: no such file. */
static enum err_code
read_file(const char *path, struct zone *z_r, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	enum err_code rc;

	if (fd < 0 || fstat(fd, &st) != 0)
		rc = err_set(e,
			errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND
							    : ERR_IO,
			"%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, ERR_INVALID, "it is no file");
	else
		rc = read_open_file(fd, z_r, e);
	if (fd >= 0)
		close(fd);
	return rc == OK ? OK : err_wrap(e, rc, "%s", path);
}

/* No zone of the database: is it a rule, or what is wrong? */
static enum err_code
find_rule(const char *name, struct zone *z_r, struct err *e)
{
	if (strpbrk(name, "0123456789,<"))
		return zone_parse_rule(z_r, str_of(name), e);
	if (access(TIMEZONE_FOLDER, F_OK) != 0)
		return err_set(e, ERR_NOTFOUND,
			"%s is not there: install the time zones (tzdata), or "
			"write rules, like \"CET-1CEST,M3.5.0,M10.5.0/3\"",
			TIMEZONE_FOLDER);
	return err_set(e, ERR_NOTFOUND,
		"there is no such zone in %s; it should be like "
		"\"Europe/Oslo\" or \"CET-1CEST,M3.5.0,M10.5.0/3\"",
		TIMEZONE_FOLDER);
}

enum err_code
timezone_find(const char *name, struct zone *z_r, struct err *e)
{
	enum err_code rc = ERR_NOTFOUND;
	char *path;

	*z_r = (struct zone){.first_s = 0};
	if (strcmp(name, "UTC") == 0)
		return OK;
	if (is_name(name)) {
		path = str_printf("%s/%s", TIMEZONE_FOLDER, name);
		rc = read_file(path, z_r, e);
		free(path);
	}
	return rc == ERR_NOTFOUND ? find_rule(name, z_r, e) : rc;
}
