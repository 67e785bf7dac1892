#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { MANY = 1000000 };

static char
octet_at(size_t i)
{
	return (char)(i * 7 % 251);
}

/* A child: 0 when all octets come, in order. */
static int
read_slowly(int fd)
{
	char piece[777];
	size_t at = 0;
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (piece[i] != octet_at(at++))
				return 1;
	return at != MANY;
}

static void
all_goes_through_a_pipe(void **state)
{
	char *octets = malloc(MANY);
	int fds[2], status = -1;
	pid_t child;

	(void)state;
	assert_non_null(octets);
	for (size_t i = 0; i < MANY; i++)
		octets[i] = octet_at(i);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		close(fds[1]);
		_exit(read_slowly(fds[0]));
	}
	close(fds[0]);
	assert_true(file_put(fds[1], (struct str){octets, MANY}));
	close(fds[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	free(octets);
}

static void
a_full_disk_is_said(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct err e = {0};

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(
		file_put_all(fd, STR("octets"), "the stick", &e), ERR_FULL);
	assert_string_equal(e.text, "the stick: No space left on device");
	assert_int_equal(file_put_all(fd, STR(""), "nothing", &e), OK);
	close(fd);
	assert_int_equal(file_put_all(fd, STR("x"), "none", &e), ERR_IO);
	assert_false(file_put(fd, STR("x")));
	assert_int_equal(errno, EBADF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_goes_through_a_pipe),
		cmocka_unit_test(a_full_disk_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
