#include "conf/testing.h"
#include "conf/writable.h"

#include <fcntl.h>
#include <sys/stat.h>

static char stranger_name[] = "no-such-user-here";

/* Who owns nothing, and is in no group but GROUP. */
static struct passwd
stranger(gid_t group)
{
	return (struct passwd){
		.pw_name = stranger_name, .pw_uid = 54321, .pw_gid = group};
}

struct place {
	char *top, *folder, *file, *side,
		*link; /* LINK in SIDE leads to FILE */
};

static int
setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	const char *tmp = getenv("TMPDIR");
	int fd;

	p->top = str_printf("%s/writable.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(p->top));
	assert_int_equal(chmod(p->top, 0755), 0);
	p->folder = str_printf("%s/folder", p->top);
	p->side = str_printf("%s/side", p->top);
	p->file = str_printf("%s/program", p->folder);
	p->link = str_printf("%s/link", p->side);
	assert_int_equal(mkdir(p->folder, 0755), 0);
	assert_int_equal(mkdir(p->side, 0755), 0);
	fd = open(p->file, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(symlink(p->file, p->link), 0);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	unlink(p->link);
	unlink(p->file);
	rmdir(p->side);
	rmdir(p->folder);
	rmdir(p->top);
	free(p->link);
	free(p->file);
	free(p->side);
	free(p->folder);
	free(p->top);
	free(p);
	return 0;
}

/* Modes of a moment; WANT: what is named then. */
static void
check(const struct place *p, const char *path, mode_t folder, mode_t file,
	mode_t side, const struct passwd *who, const char *want)
{
	char *found;

	assert_int_equal(chmod(p->folder, folder), 0);
	assert_int_equal(chmod(p->file, file), 0);
	assert_int_equal(chmod(p->side, side), 0);
	found = writable_by(path, who);
	if (want)
		assert_string_equal(found ? found : "(nothing)", want);
	else
		assert_null(found);
	free(found);
}

static void
test_modes(void **state)
{
	const struct place *p = *state;
	struct passwd who = stranger(54321), mate = stranger(getegid());
	struct passwd owner = stranger(54321);

	owner.pw_uid = geteuid();
	check(p, p->file, 0755, 0755, 0755, &who, NULL);
	check(p, p->file, 0775, 0775, 0775, &who, NULL);
	check(p, p->file, 0755, 0757, 0755, &who, p->file);
	check(p, p->file, 0757, 0755, 0755, &who, p->folder);
	check(p, p->file, 01777, 0755, 0755, &who, NULL);
	check(p, p->file, 01777, 0777, 0755, &who, p->file);
	check(p, p->file, 0755, 0775, 0755, &mate, p->file);
	check(p, p->file, 0775, 0755, 0755, &mate, p->folder);
	/* the class of the group counts, though others have more */
	check(p, p->file, 0757, 0757, 0755, &mate, NULL);
	check(p, p->file, 0555, 0555, 0755, &owner, p->file);
}

static void
test_links(void **state)
{
	const struct place *p = *state;
	struct passwd who = stranger(54321);

	check(p, p->link, 0755, 0755, 0755, &who, NULL);
	check(p, p->link, 0755, 0755, 0777, &who, p->side);
	check(p, p->link, 0777, 0755, 0755, &who, p->folder);
	check(p, p->link, 0755, 0777, 0755, &who, p->link);
}

static void
test_not_there(void **state)
{
	const struct place *p = *state;
	struct passwd who = stranger(54321);
	char *path = str_printf("%s/none", p->folder);

	check(p, path, 0755, 0755, 0755, &who, NULL);
	check(p, path, 0777, 0755, 0755, &who, p->folder);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_not_there, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
