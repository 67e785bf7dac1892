#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sched/hosts.h"

#include <stdbool.h>
#include <string.h>

#define OWN "gate.example.org"

static void
by_preference(void **state)
{
	struct host_rank v[] = {{"c", 30, 0}, {"a", 10, 1}, {"b", 20, 2}};

	(void)state;
	assert_int_equal(hosts_order(v, 3, OWN, 7), 3);
	assert_string_equal(v[0].name, "a");
	assert_string_equal(v[1].name, "b");
	assert_string_equal(v[2].name, "c");
	assert_int_equal(v[2].which, 0);
	assert_int_equal(hosts_order(v, 0, OWN, 7), 0);
}

/* Each of three equals is the first sometimes; the better one is always. */
static void
by_chance_among_equals(void **state)
{
	unsigned first[3] = {0};

	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct host_rank v[] = {{"x", 20, 0}, {"y", 20, 1},
			{"best", 10, 3}, {"z", 20, 2}};

		assert_int_equal(hosts_order(v, 4, OWN, seed), 4);
		assert_string_equal(v[0].name, "best");
		first[v[1].which]++;
	}
	for (size_t i = 0; i < 3; i++)
		assert_in_range(first[i], 60, 140);
}

static void
never_to_ourselves(void **state)
{
	static const struct {
		unsigned ours;
		size_t may;
	} cases[] = {{5, 0}, {10, 0}, {15, 1}, {20, 1}, {30, 3}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (uint64_t seed = 0; seed < 20; seed++) {
			struct host_rank v[] = {{"b", 20, 0},
				{"Gate.Example.ORG", cases[i].ours, 1},
				{"a", 10, 2}, {"c", 20, 3}};
			size_t may = hosts_order(v, 4, OWN, seed);

			assert_int_equal(may, cases[i].may);
			for (size_t k = 0; k < may; k++)
				assert_true(v[k].preference < cases[i].ours);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_preference),
		cmocka_unit_test(by_chance_among_equals),
		cmocka_unit_test(never_to_ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
