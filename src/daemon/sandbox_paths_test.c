#include "conf/testing.h"
#include "daemon/sandbox_paths.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A disk of its own: what is there, and beside it a configuration. */
struct place {
	char top[32];
	struct conf *c;
	struct sandbox_paths p;
};

static void
make(const struct place *w, const char *folder)
{
	char *path = str_printf("%s/%s", w->top, folder);

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

static void
make_file(const struct place *w, const char *name)
{
	char *path = str_printf("%s/%s", w->top, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
	free(path);
}

static void
link_to(const struct place *w, const char *to, const char *name)
{
	char *there = str_printf("%s/%s", w->top, to);
	char *path = str_printf("%s/%s", w->top, name);

	assert_int_equal(symlink(there, path), 0);
	free(there);
	free(path);
}

static void
begin(struct place *w)
{
	*w = (struct place){.top = "/tmp/sandbox-XXXXXX"};
	assert_non_null(mkdtemp(w->top));
	make(w, "spool");
	make(w, "run");
	make(w, "etc");
}

static void
forget(struct place *w)
{
	sandbox_paths_clear(&w->p);
	conf_free(w->c);
	w->c = NULL;
}

/* SNIPPET: "@" stands for the place. */
static void
load(struct place *w, const char *snippet)
{
	struct complaints out;
	struct buf text;

	forget(w);
	buf_init(&text, 0);
	buf_addf(&text,
		"hostname = \"a.example\"; spool = \"sqlite:%s/spool/s.db\";"
		"run_dir = \"%s/run\"; programs = { drop = \"%s/drop\"; };\n",
		w->top, w->top, w->top);
	for (const char *at = snippet; *at; at++)
		if (*at == '@')
			buf_addz(&text, w->top);
		else
			buf_add(&text, at, 1);
	testing_load(buf_z(&text), &w->c, &out);
	if (!w->c)
		print_message("%s: %s\n", snippet, out.v[0].text);
	assert_non_null(w->c);
	complaints_free(&out);
	buf_free(&text);
	sandbox_paths_read(w->c, &w->p);
}

static void
end(struct place *w)
{
	char *command = str_printf("rm -r %s", w->top);

	forget(w);
	assert_int_equal(system(command), 0);
	free(command);
}

/* What may be done in FOLDER of the place, itself being named; 'n': nothing. */
static char
access_of(const struct place *w, const char *folder)
{
	char *path = folder[0] == '/' ? str_dupz(folder)
				      : str_printf("%s/%s", w->top, folder);
	char found = 'n';

	for (size_t i = 0; i < w->p.n; i++)
		if (strcmp(w->p.v[i].path, path) == 0 && found != 'w')
			found = w->p.v[i].access == LANDLOCK_WRITE ? 'w' : 'r';
	free(path);
	return found;
}

static bool
is_missing(const struct place *w, const char *path)
{
	for (size_t i = 0; i < w->p.missing_n; i++)
		if (strcmp(w->p.missing[i].path, path) == 0)
			return true;
	return false;
}

static void
test_of_any_node(void **state)
{
	struct place w;

	(void)state;
	begin(&w);
	make(&w, "drop");
	load(&w, "");
	assert_int_equal(access_of(&w, "spool"), 'w');
	assert_int_equal(access_of(&w, "run"), 'w');
	assert_int_equal(access_of(&w, "drop"), 'w');
	assert_int_equal(access_of(&w, "/etc"), 'r');
	assert_int_equal(access_of(&w, "/usr"), 'r');
	assert_int_equal(access_of(&w, "/run"), 'r'); /* resolv.conf */
	assert_int_equal(access_of(&w, "/dev/null"), 'w');
	assert_int_equal(access_of(&w, "/tmp"), 'r'); /* the file is there */
	assert_int_equal(access_of(&w, ""), 'n');
	assert_int_equal(w.p.missing_n, 0);
	for (size_t i = 0; i < w.p.n; i++)
		assert_string_not_equal(w.p.v[i].path, "/");
	end(&w);
}

static void
test_mailboxes(void **state)
{
	struct place w;
	char *file;
	int fd;

	(void)state;
	begin(&w);
	make(&w, "mail");
	file = str_printf("%s/mail/file", w.top);
	fd = creat(file, 0600);
	assert_true(fd >= 0);
	close(fd);
	load(&w, "local = { domains = \"a.example\"; "
		 "deliver = \"maildir:@/mail/{domain}/{user}\"; };");
	assert_int_equal(access_of(&w, "mail"), 'w');
	load(&w, "local = { domains = \"a.example\"; "
		 "deliver = \"maildir:@/mail/box-{user}\"; };");
	assert_int_equal(access_of(&w, "mail"), 'w');
	load(&w, "local = { domains = \"a.example\"; "
		 "deliver = \"mbox:@/mail/all\"; };");
	assert_int_equal(access_of(&w, "mail"), 'w');
	/* what is not there yet is made in what is */
	load(&w, "local = { domains = \"a.example\"; "
		 "deliver = \"maildir:@/mail/not/yet/{user}\"; };");
	assert_int_equal(access_of(&w, "mail"), 'w');
	/* nor is what stands in its place */
	load(&w, "local = { domains = \"a.example\"; "
		 "deliver = \"maildir:@/mail/file/{user}\"; };");
	free(file);
	assert_int_equal(access_of(&w, "mail"), 'w');
	/* the helper's, and no file at all */
	load(&w, "local = { domains = \"a.example\"; deliver_as = \"{user}\"; "
		 "deliver = \"maildir:@/mail/{user}\"; };");
	assert_int_equal(access_of(&w, "mail"), 'n');
	load(&w, "local = { domains = \"a.example\"; "
		 "deliver = \"lmtp:unix:@/mail/lmtp\"; };");
	assert_int_equal(access_of(&w, "mail"), 'n');
	end(&w);
}

static void
test_files_that_are_read(void **state)
{
	struct place w;

	(void)state;
	begin(&w);
	make(&w, "live");
	make(&w, "archive");
	make(&w, "lists");
	make_file(&w, "archive/ca.pem");
	link_to(&w, "archive/ca.pem", "live/ca.pem");
	load(&w,
		"tls = { ca_file = \"@/live/ca.pem\"; };"
		"hooks = \"@/etc\";"
		"local = { domains = \"a.example\"; users = \"file:@/lists/u\";"
		"  deliver = \"maildir:@/spool/{user}\"; };");
	assert_int_equal(access_of(&w, "live"), 'r');
	assert_int_equal(access_of(&w, "archive"), 'r');
	assert_int_equal(access_of(&w, "lists"), 'r');
	assert_int_equal(access_of(&w, "etc"), 'r');
	end(&w);
}

/* The authority beside a certificate is what renews it. */
static void
test_certificates(void **state)
{
	static const char snippet[] =
		"tls = { certificate = \"@/etc/n.pem\"; key = \"@/etc/n.key\"; };";
	struct place w;

	(void)state;
	begin(&w);
	load(&w, snippet);
	assert_int_equal(access_of(&w, "etc"), 'r');
	make_file(&w, "etc/tidepost-ca.key");
	load(&w, snippet);
	assert_int_equal(access_of(&w, "etc"), 'w');
	end(&w);
}

static void
test_sticks(void **state)
{
	struct place w;

	(void)state;
	begin(&w);
	make(&w, "stick");
	load(&w, "routes = ( { match = \"*\"; folder = \"@/stick/out\"; } );");
	assert_int_equal(access_of(&w, "stick"), 'w');
	load(&w, "routes = ( { match = \"*\"; folder = \"@/stick\"; } );");
	assert_int_equal(access_of(&w, "stick"), 'w');
	assert_int_equal(access_of(&w, ""), 'n'); /* "" ends with a slash */
	assert_int_equal(access_of(&w, w.top), 'w');
	load(&w,
		"routes = ( { match = \"*\"; folder = \"/mnt/not/there\"; } );");
	assert_int_equal(access_of(&w, "/mnt"), 'w');
	load(&w,
		"routes = ( { match = \"*\"; folder = \"/nowhere-at-all\"; } );");
	assert_true(is_missing(&w, "/nowhere-at-all"));
	end(&w);
}

static void
test_compared(void **state)
{
	static const char deliver[] = "local = { domains = \"a.example\"; "
				      "deliver = \"maildir:@/%s/{user}\"; };";
	struct sandbox_paths first;
	char snippet[200];
	struct place w;

	(void)state;
	begin(&w);
	make(&w, "mail");
	make(&w, "mail/inner");
	make(&w, "other");
	snprintf(snippet, sizeof(snippet), deliver, "mail");
	load(&w, snippet);
	first = w.p;
	w.p = (struct sandbox_paths){.n = 0};
	sandbox_paths_read(w.c, &w.p);
	assert_null(sandbox_paths_beyond(&first, &w.p));
	snprintf(snippet, sizeof(snippet), deliver, "mail/inner");
	load(&w, snippet);
	assert_null(sandbox_paths_beyond(&first, &w.p));
	snprintf(snippet, sizeof(snippet), deliver, "other");
	load(&w, snippet);
	assert_non_null(sandbox_paths_beyond(&first, &w.p));
	assert_string_equal(
		sandbox_paths_beyond(&first, &w.p)->key, "local.deliver");
	/* to be read is less than to be written */
	load(&w, "hooks = \"@/mail\";");
	assert_null(sandbox_paths_beyond(&first, &w.p));
	load(&w, "hooks = \"/var\";");
	assert_non_null(sandbox_paths_beyond(&first, &w.p));
	/* a name that only begins alike is not beneath */
	make(&w, "mailer");
	snprintf(snippet, sizeof(snippet), deliver, "mailer");
	load(&w, snippet);
	assert_non_null(sandbox_paths_beyond(&first, &w.p));
	sandbox_paths_clear(&first);
	end(&w);
}

/* The same configuration is taken again, whatever the system did meanwhile. */
static void
test_compared_with_itself(void **state)
{
	struct sandbox_paths first;
	struct place w;

	(void)state;
	begin(&w);
	load(&w, "hooks = \"/nowhere-at-all\";");
	assert_true(is_missing(&w, "/nowhere-at-all"));
	first = w.p;
	w.p = (struct sandbox_paths){.n = 0};
	sandbox_paths_read(w.c, &w.p);
	assert_null(sandbox_paths_beyond(&first, &w.p));
	/* a folder of the system that was not there at first */
	for (size_t i = 0; i < first.n; i++)
		if (strcmp(first.v[i].path, "/usr") == 0)
			first.v[i].path[1] = 'x';
	assert_null(sandbox_paths_beyond(&first, &w.p));
	load(&w, "hooks = \"/nowhere-else\";");
	assert_non_null(sandbox_paths_beyond(&first, &w.p));
	sandbox_paths_clear(&first);
	end(&w);
}

/*
 * Whoever adds a key that names a file, a folder or a socket has to say here
 * that sandbox_paths.c knows it, or that it is none of the daemon's.
 */
static void
test_no_key_is_forgotten(void **state)
{
	static const char *const endings[] = {"_file", "folder", "_dir", "key",
		"certificate", "aliases", "hooks", "listen", "drop", "spool",
		"path", "socket"};
	static const char *const known[] = {"spool", "run_dir",
		"tls.certificate", "tls.key", "tls.ca_file",
		"tls.client_ca_file", "local.aliases", "programs.drop",
		"peers.password_file", "peers.certificate", "peers.key",
		"routes.folder", "routes.seal_file", "batches.seal_file",
		"hooks", "metrics.listen", "mx.root_key"};
	const char *key;

	(void)state;
	for (size_t i = 0; (key = conf_schema_key(i)) != NULL; i++) {
		bool names = false, is_known = false;

		for (size_t k = 0; k < sizeof(endings) / sizeof(endings[0]);
			k++) {
			size_t n = strlen(endings[k]), all = strlen(key);

			names |= all >= n &&
				 strcmp(key + all - n, endings[k]) == 0;
		}
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			is_known |= strcmp(key, known[k]) == 0;
		if (names && !is_known)
			print_message("%s: see sandbox_paths.c\n", key);
		assert_true(!names || is_known);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_any_node),
		cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_files_that_are_read),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_sticks),
		cmocka_unit_test(test_compared),
		cmocka_unit_test(test_compared_with_itself),
		cmocka_unit_test(test_no_key_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
