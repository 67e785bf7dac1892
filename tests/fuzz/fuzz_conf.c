/*
 * A configuration file of any octets, and its words one by one: nothing may
 * crash, what is refused says why, what is taken can be used.
 */
#include "tests/fuzz/fuzz.h"

#include "conf/conf.h"
#include "conf/values.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A memory file, so that no disk is worn; includes of it find it again. */
static void
load(const uint8_t *data, size_t size, struct conf **conf_r,
	struct complaints *out)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	char name[64];

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(write(fd, data, size) == (ssize_t)size);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	conf_load(name, conf_r, out);
	close(fd);
}

static void
print_all(const struct complaints *c)
{
	struct buf out;

	buf_init(&out, 0);
	for (size_t i = 0; i < c->n; i++) {
		FUZZ_CHECK(c->v[i].text[0]);
		complaint_format(&c->v[i], &out);
	}
	buf_free(&out);
}

/* What the daemon takes for granted of a configuration without errors. */
static void
use(const struct conf *c)
{
	struct mailbox m = {.text = "a@b.example", .local_n = 1};
	size_t at = 0;

	FUZZ_CHECK(c->hostname && c->spool && c->run_dir && c->user);
	FUZZ_CHECK(c->queue.retry_n > 0 && c->queue.retry_s[0] > 0);
	FUZZ_CHECK(!c->local.domains.n || c->local.deliver == DELIVER_MAILDIR);
	for (size_t i = 0; i < c->listeners_n; i++)
		FUZZ_CHECK(c->listeners[i].name && c->listeners[i].address);
	for (size_t i = 0; i < c->peers_n; i++)
		FUZZ_CHECK(c->peers[i].name && c->peers[i].host.n);
	for (size_t i = 0; i < c->routes_n; i++)
		for (size_t j = 0; j < c->routes[i].peers.n; j++)
			FUZZ_CHECK(conf_peer(c, c->routes[i].peers.v[j]));
	for (size_t i = 0; i < c->links_n; i++)
		FUZZ_CHECK(c->links[i].name);
	conf_route_for(c, &m);
	conf_link_for(c, "shore", &at);
	conf_is_local(c, STR("b.example"));
}

static void
words(struct str s)
{
	unsigned char pin[VALUE_PIN_SIZE];
	uint64_t octets;
	int64_t ms;
	int priority;
	bool open;

	if (conf_parse_size(s, &octets))
		FUZZ_CHECK(octets <= INT64_MAX);
	if (conf_parse_duration_ms(s, &ms))
		FUZZ_CHECK(ms >= 0);
	if (conf_parse_priority(s, &priority))
		FUZZ_CHECK(priority >= -9 && priority <= 9);
	value_pin(s, pin);
	value_window(s);
	value_network(s, &open);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints out;
	struct conf *c;

	load(data, size, &c, &out);
	FUZZ_CHECK(!c == (out.errors > 0));
	print_all(&out);
	if (c)
		use(c);
	conf_free(c);
	complaints_free(&out);
	words((struct str){(const char *)data, size});
	return 0;
}
