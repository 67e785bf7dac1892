#include "faces/load.h"

#include "faces/text.h"

struct conf *
load_conf(const char *option)
{
	struct complaints found = {0};
	struct conf *conf;
	struct buf text;

	conf_load(conf_path(option), &conf, &found);
	buf_init(&text, 0);
	for (size_t i = 0; !conf && i < found.n; i++)
		if (found.v[i].kind == COMPLAINT_ERROR)
			complaint_format(&found.v[i], &text);
	text_print_lines(stderr, buf_view(&text));
	buf_free(&text);
	complaints_free(&found);
	return conf;
}
