#include "cert/seal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static char secret[] = "/tmp/seal-secret.XXXXXX";

static void
write_secret(const char *text)
{
	int fd = open(secret, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static enum err_code
seal_of(const char *octets, char seal_r[SEAL_DIGITS + 1], struct err *e)
{
	FILE *f = tmpfile();
	enum err_code rc;

	assert_non_null(f);
	assert_int_equal(fwrite(octets, 1, strlen(octets), f), strlen(octets));
	assert_int_equal(fflush(f), 0);
	rc = seal_make(fileno(f), secret, seal_r, e);
	assert_true(rc != OK || lseek(fileno(f), 0, SEEK_CUR) == 0);
	fclose(f);
	return rc;
}

/* RFC 4231 4.7: a key of 131 octets. */
static void
as_the_rfc_has_it(void **state)
{
	char seal[SEAL_DIGITS + 1], key[132] = "";
	struct err e = {0};

	(void)state;
	memset(key, '\xaa', 131);
	write_secret(key);
	assert_int_equal(seal_of("Test Using Larger Than Block-Size Key - "
				 "Hash Key First",
				 seal, &e),
		OK);
	assert_string_equal(seal, "60e431591ee0b67f0d8a26aacbf5b77f"
				  "8e0bc6213728c5140546040f0ee37f54");
	assert_true(seal_is(seal, "60e431591ee0b67f0d8a26aacbf5b77f"
				  "8e0bc6213728c5140546040f0ee37f54"));
	assert_false(seal_is(seal, "60e431591ee0b67f0d8a26aacbf5b77f"
				   "8e0bc6213728c5140546040f0ee37f55"));
	assert_false(seal_is(seal, ""));
	assert_false(seal_is(seal, "60e4"));
}

/* The first line alone, and every octet counts. */
static void
of_a_line(void **state)
{
	char one[SEAL_DIGITS + 1], two[SEAL_DIGITS + 1];
	struct err e = {0};

	(void)state;
	write_secret("0123456789abcdef\r\nrest");
	assert_int_equal(seal_of("batch", one, &e), OK);
	write_secret("0123456789abcdef");
	assert_int_equal(seal_of("batch", two, &e), OK);
	assert_string_equal(one, two);
	assert_int_equal(seal_of("batcH", two, &e), OK);
	assert_string_not_equal(one, two);
	write_secret("0123456789abcdeF");
	assert_int_equal(seal_of("batch", two, &e), OK);
	assert_string_not_equal(one, two);
}

static void
of_a_bad_secret(void **state)
{
	char seal[SEAL_DIGITS + 1], large[300];
	struct err e = {0};

	(void)state;
	write_secret("short");
	assert_int_equal(seal_of("x", seal, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "16 to 255"));
	memset(large, 'x', sizeof(large));
	large[256] = '\0';
	write_secret(large);
	assert_int_equal(seal_of("x", seal, &e), ERR_INVALID);
	large[255] = '\0';
	write_secret(large);
	assert_int_equal(seal_of("x", seal, &e), OK);
	unlink(secret);
	assert_int_equal(seal_of("x", seal, &e), ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_rfc_has_it),
		cmocka_unit_test(of_a_line),
		cmocka_unit_test(of_a_bad_secret),
	};
	int fd = mkstemp(secret);

	if (fd < 0)
		return 1;
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
