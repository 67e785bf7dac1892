/* A file of answers for setup: what it takes makes a good configuration. */
#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"
#include "tests/fuzz/fuzz.h"

#include "cli/answers.c"
#include "cli/answers_write.c"

static bool
complete(struct answers *a)
{
	for (int i = 0; i < ANSWER_PASSWORD; i++)
		if (!a->v[i] && answers_need(a, (enum answer)i)) {
			if (i == ANSWER_HOSTNAME)
				return false;
			a->v[i] = answers_default(a, (enum answer)i);
			if (!a->v[i])
				return false;
		}
	/* these are left to the check of what was written */
	return !a->v[ANSWER_NETWORK] && !(is_site(a) && !has_provider(a));
}

static void
check_written(const struct answers *a)
{
	struct complaints found;
	struct conf *conf;
	struct buf text;
	char file[64];
	int fd = memfd_create("tidepost.conf", 0);

	buf_init(&text, 0);
	answers_write(a, "/etc/tidepost/x.secret", &text);
	FUZZ_CHECK(
		fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	conf_load(file, &conf, &found);
	for (size_t i = 0; i < found.n; i++)
		if (found.v[i].kind == COMPLAINT_ERROR)
			fprintf(stderr, "%s\n", found.v[i].text);
	FUZZ_CHECK(found.errors == 0 && conf);
	FUZZ_CHECK(strcmp(conf->hostname, a->v[ANSWER_HOSTNAME]) == 0);
	complaints_free(&found);
	conf_free(conf);
	close(fd);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answers a = {{0}};
	struct err e;

	if (answers_read(&a, "answers", (struct str){(const char *)data, size},
		    &e) == OK &&
		complete(&a))
		check_written(&a);
	answers_free(&a);
	return 0;
}
