#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "daemon/hook_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char folder[64]; /* with link-up.d in it */
	struct hook_dir d;
};

static void
put(const struct place *p, const char *name, mode_t mode)
{
	char *path = str_printf("%s/link-up.d/%s", p->folder, name);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	free(path);
}

static void
mode_of(const char *folder, const char *name, mode_t mode)
{
	char *path = str_printf("%s%s", folder, name);

	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

static void
begin(struct place *p)
{
	char *path;

	str_copyz(p->folder, sizeof(p->folder), "/tmp/hookdir-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	path = str_printf("%s/link-up.d", p->folder);
	assert_int_equal(mkdir(path, 0755), 0);
	free(path);
	mode_of(p->folder, "/link-up.d", 0755);
	p->d = (struct hook_dir){.programs_n = 0};
}

static void
look(struct place *p)
{
	hook_dir_clear(&p->d);
	hook_dir_read(p->folder, "link-up", &p->d);
}

static void
end(struct place *p)
{
	char *command = str_printf("rm -r %s", p->folder);

	hook_dir_clear(&p->d);
	hook_dir_clear(&p->d);
	assert_int_equal(system(command), 0);
	free(command);
}

static bool
complains(const struct place *p, const char *part)
{
	for (size_t i = 0; i < p->d.complaints_n; i++)
		if (strstr(p->d.complaints[i], part))
			return true;
	return false;
}

static const char *
name_of(const struct place *p, size_t i)
{
	return strrchr(p->d.programs[i], '/') + 1;
}

static void
test_by_name(void **state)
{
	struct place p;

	(void)state;
	begin(&p);
	put(&p, "b", 0755);
	put(&p, "a.sh", 0700);
	put(&p, "10-z", 0755);
	put(&p, ".hidden", 0755);
	put(&p, "a.sh~", 0755);
	look(&p);
	assert_int_equal(p.d.programs_n, 3);
	assert_int_equal(p.d.complaints_n, 0);
	assert_string_equal(name_of(&p, 0), "10-z");
	assert_string_equal(name_of(&p, 1), "a.sh");
	assert_string_equal(name_of(&p, 2), "b");
	end(&p);
}

static void
test_what_others_can_write(void **state)
{
	struct place p;

	(void)state;
	begin(&p);
	put(&p, "good", 0755);
	put(&p, "group", 0775); /* our own group: ours to give */
	put(&p, "anybody", 0757);
	put(&p, "no-program", 0644);
	look(&p);
	assert_int_equal(p.d.programs_n, 2);
	assert_int_equal(p.d.complaints_n, 2);
	assert_true(complains(&p, "anybody can be written by anybody"));
	assert_true(complains(&p, "no-program is not executable"));

	mode_of(p.folder, "/link-up.d", 0777);
	look(&p);
	assert_int_equal(p.d.programs_n, 0);
	assert_true(complains(&p, "link-up.d can be written by anybody"));

	mode_of(p.folder, "/link-up.d", 0755);
	mode_of(p.folder, "", 0777);
	look(&p);
	assert_int_equal(p.d.programs_n, 0);
	assert_int_equal(p.d.complaints_n, 1);
	end(&p);
}

static void
test_what_is_foreign(void **state)
{
	struct place p;
	char *path;

	(void)state;
	if (geteuid() != 0)
		skip();
	begin(&p);
	put(&p, "foreign", 0755);
	put(&p, "group", 0775);
	path = str_printf("%s/link-up.d/foreign", p.folder);
	assert_int_equal(chown(path, 12345, 0), 0);
	free(path);
	path = str_printf("%s/link-up.d/group", p.folder);
	assert_int_equal(chown(path, 0, 12345), 0);
	assert_int_equal(chmod(path, 0775), 0);
	free(path);
	look(&p);
	assert_int_equal(p.d.programs_n, 0);
	assert_true(complains(&p, "foreign belongs to user id 12345"));
	assert_true(complains(&p, "can be written by group id 12345"));
	end(&p);
}

static void
test_what_is_not_there(void **state)
{
	struct place p;
	char *path;

	(void)state;
	begin(&p);
	hook_dir_read(p.folder, "stuck", &p.d); /* nobody wants this event */
	assert_int_equal(p.d.programs_n + p.d.complaints_n, 0);
	hook_dir_read("/nowhere/hooks", "stuck", &p.d);
	assert_int_equal(p.d.complaints_n, 1); /* a person named it */
	hook_dir_clear(&p.d);
	path = str_printf("%s/stuck.d", p.folder);
	close(open(path, O_CREAT | O_WRONLY, 0644));
	free(path);
	hook_dir_read(p.folder, "stuck", &p.d);
	assert_true(complains(&p, "is no folder"));
	end(&p);
}

static void
test_too_many(void **state)
{
	struct place p;
	char name[20];

	(void)state;
	begin(&p);
	for (int i = 0; i < HOOK_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		put(&p, name, 0755);
	}
	look(&p);
	assert_int_equal(p.d.programs_n, HOOK_FILES_MAX);
	put(&p, "one-more", 0755);
	look(&p);
	assert_int_equal(p.d.programs_n, 0);
	assert_true(complains(&p, "none is run"));
	end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_what_others_can_write),
		cmocka_unit_test(test_what_is_foreign),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
