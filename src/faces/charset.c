#include "faces/charset.h"

#include <errno.h>
#include <iconv.h>

enum { STEP = 4096 };

static bool
is_known(const char *charset)
{
	static const char *const fronts[] = {"iso-8859-1", "iso-8859-2",
		"iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6",
		"iso-8859-7", "iso-8859-8", "iso-8859-9", "windows-125",
		"cp125", "cp437", "cp850", "koi8-r", "koi8-u", "iso-2022-jp",
		"euc-jp", "shift_jis", "euc-kr", "gb2312", "gbk", "gb18030",
		"big5", "tis-620"};
	struct str name = str_of(charset);

	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '/') /* "//TRANSLIT" */
			return false;
	for (size_t i = 0; i < sizeof(fronts) / sizeof(*fronts); i++)
		if (str_starts_nocase(name, str_of(fronts[i])) &&
			name.n <= str_of(fronts[i]).n + 2)
			return true;
	return false;
}

static void
convert(iconv_t how, struct str s, struct buf *out)
{
	char *in = (char *)s.p; /* iconv does not write there */
	size_t left = s.n;

	while (left) {
		char step[STEP];
		char *to = step;
		size_t room = sizeof(step);
		size_t done = iconv(how, &in, &left, &to, &room);
		int why = done == (size_t)-1 ? errno : 0;

		buf_add(out, step, sizeof(step) - room);
		if (why == EILSEQ || why == EINVAL) {
			buf_addz(out, "?");
			in++;
			left--;
		}
	}
}

void
charset_to_utf8(const char *charset, struct str s, struct buf *out)
{
	iconv_t how = (iconv_t)-1;

	if (is_known(charset))
		how = iconv_open("UTF-8", charset);
	if (how == (iconv_t)-1) {
		buf_adds(out, s);
		return;
	}
	convert(how, s, out);
	iconv_close(how);
}
