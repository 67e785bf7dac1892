/* A request for the one page: its first line, and that it ends. */
#include "net/page.h"

#include <string.h>

/* The next line without its end (RFC 9112 2.2: a lone LF is one, too). */
static struct str
take_line(struct str *rest)
{
	struct str line = str_cut(*rest, '\n', rest);

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* Of REST, behind the first line. *hosts_r: how many Host fields it has. */
static bool
is_whole(struct str rest, unsigned *hosts_r)
{
	*hosts_r = 0;
	while (memchr(rest.p, '\n', rest.n)) {
		struct str line = take_line(&rest);

		if (line.n == 0)
			return true;
		if (str_starts_nocase(line, STR("Host:")))
			++*hosts_r;
	}
	return false;
}

/* RFC 9112 3.2: a path, or the whole address with it; what is behind "?" too.
 */
static bool
is_page(struct str target)
{
	struct str query, scheme = STR("http://");

	if (str_starts_nocase(target, scheme)) {
		target = str_skip(target, scheme.n);
		while (target.n && target.p[0] != '/')
			target = str_skip(target, 1);
	}
	return str_eq(str_cut(target, '?', &query), STR("/metrics"));
}

unsigned
page_request_status(struct str octets, bool *head_r)
{
	struct str rest = octets, target, version;
	struct str line = take_line(&rest);
	struct str method = str_cut(line, ' ', &line);
	unsigned hosts;

	*head_r = str_eq(method, STR("HEAD"));
	if (!is_whole(rest, &hosts))
		return octets.n < PAGE_REQUEST_MAX ? 0 : 431;
	target = str_cut(line, ' ', &version);
	if (version.n == 0 || !str_starts_nocase(version, STR("HTTP/")))
		return 400;
	if (version.n != 8 || !str_starts_nocase(version, STR("HTTP/1.")))
		return 505;
	/* RFC 9112 3.2 */
	if (hosts > 1 || (hosts == 0 && version.p[7] != '0'))
		return 400;
	if (!*head_r && !str_eq(method, STR("GET")))
		return 405;
	return is_page(target) ? 200 : 404;
}
