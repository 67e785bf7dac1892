#include "daemon/services.h"

#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/links.h"
#include "daemon/receive.h"
#include "net/given.h"
#include "net/listen.h"
#include "net/segments.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who may write to the socket may hand in mail for anybody. */
enum { SERVICE_UNIX_MODE = 0660 };

struct service {
	struct node *n;
	const struct conf_listener *conf; /* of the configuration in force */
	struct listener *listener;
};

struct services {
	struct node *n;
	struct service **v; /* stable: listeners point at them */
	size_t count;
};

static size_t
sessions_from(const struct node *n, const char *address)
{
	size_t count = 0;

	LIST_EACH(node, tmp, &n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);

		if (strcmp(stream_peer_address(s->stream), address) == 0)
			count++;
	}
	return count;
}

/* One line, best effort: the client may be gone already. */
static void
turn_away(int fd, const char *hostname, const char *why)
{
	char *line = str_printf("421 %s %s\r\n", hostname, why);
	ssize_t n = write(fd, line, strlen(line));

	(void)n;
	free(line);
	close(fd);
}

static void
on_accept(void *arg, int fd)
{
	struct service *sv = arg;
	struct node *n = sv->n;
	const struct conf *conf = n->conf;
	char address[NET_ADDRESS_MAX], local[NET_ADDRESS_MAX];
	const char *link;

	net_peer_address(fd, address);
	net_local_address(fd, local);
	link = links_of_connection(n->links, local, address);
	if (n->sessions_n >= conf->limits.connections) {
		log_warning("turned-away", LOG_STR("peer", address),
			LOG_STR("why", "limits.connections"));
		turn_away(fd, conf->hostname, "Too many connections");
	} else if (sv->conf->service != SERVICE_LMTP &&
		   sessions_from(n, address) >=
			   conf->limits.connections_per_client) {
		log_warning("turned-away", LOG_STR("peer", address),
			LOG_STR("why", "limits.connections_per_client"));
		turn_away(fd, conf->hostname,
			"Too many connections from your address");
	} else if (link && !budgets_admit_connection(n->budgets, link)) {
		log_warning("turned-away", LOG_STR("peer", address),
			LOG_STR("link", link),
			LOG_STR("why", "no budget left"));
		turn_away(fd, conf->hostname,
			"4.3.2 No budget left on the link in use now");
	} else {
		if (!link)
			segments_clamp(fd, 0);
		receive_start(n, sv->conf, link, fd);
	}
}

void
services_window(struct services *s, uint32_t octets)
{
	for (size_t i = 0; s && i < s->count; i++)
		if (s->v[i]->listener)
			listener_window(s->v[i]->listener, octets);
}

static enum err_code
open_unix(struct service *sv, const char *path, struct err *e)
{
	int fd = given_unix(path);

	if (fd < 0)
		return listen_unix(sv->n->loop, path, SERVICE_UNIX_MODE,
			on_accept, sv, &sv->listener, e);
	sv->listener = listen_given(sv->n->loop, fd, on_accept, sv);
	return OK;
}

static enum err_code
open_tcp(struct service *sv, const struct conf_listener *conf, struct err *e)
{
	int fd = given_tcp(conf->address, conf->port, conf->name);

	if (fd < 0)
		return listen_tcp(sv->n->loop, conf->address, conf->port,
			on_accept, sv, &sv->listener, e);
	sv->listener = listen_given(sv->n->loop, fd, on_accept, sv);
	return OK;
}

static enum err_code
open_service(struct node *n, const struct conf_listener *conf,
	struct service **sv_r, struct err *e)
{
	struct service *sv = xcalloc(1, sizeof(*sv));
	enum err_code rc;

	sv->n = n;
	sv->conf = conf;
	if (conf_listener_is_program(conf))
		rc = OK; /* tidepost serve brings the connections */
	else if (conf->service == SERVICE_LMTP)
		rc = open_unix(sv, conf->address + strlen("unix:"), e);
	else
		rc = open_tcp(sv, conf, e);
	if (rc != OK) {
		free(sv);
		return err_wrap(e, rc, "listener \"%s\"", conf->name);
	}
	*sv_r = sv;
	return OK;
}

static void
close_service(struct service *sv)
{
	if (!sv)
		return;
	listener_free(sv->listener);
	free(sv);
}

static void
log_listening(const struct service *sv)
{
	if (!sv->listener)
		return;
	log_info("listening", LOG_STR("listener", sv->conf->name),
		LOG_STR("address", sv->conf->address),
		LOG_INT("port", listener_port(sv->listener)));
}

/* Connections to it would wait for ever. */
static void
warn_unused(void *arg, const char *name, const char *where)
{
	(void)arg;
	log_warning("socket-not-used", LOG_STR("name", name),
		LOG_STR("address", where),
		LOG_STR("why", "no listener of the configuration has this "
			       "address and port"));
}

enum err_code
services_new(struct node *n, struct services **services_r, struct err *e)
{
	struct services *s = xcalloc(1, sizeof(*s));
	enum err_code rc = OK;

	s->n = n;
	s->v = xcalloc(n->conf->listeners_n, sizeof(struct service *));
	for (size_t i = 0; rc == OK && i < n->conf->listeners_n; i++) {
		rc = open_service(n, &n->conf->listeners[i], &s->v[i], e);
		if (rc == OK) {
			s->count++;
			log_listening(s->v[i]);
		}
	}
	if (rc == OK) {
		given_each_unused(warn_unused, NULL);
		*services_r = s;
	} else {
		services_free(s);
	}
	return rc;
}

enum err_code
services_give(struct services *s, const struct passwd *pw, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < s->count; i++)
		if (s->v[i]->listener)
			rc = listener_give(
				s->v[i]->listener, pw->pw_uid, pw->pw_gid, e);
	return rc;
}

static bool
is_among(struct service *const *v, size_t n, const struct service *sv)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == sv)
			return true;
	return false;
}

/* On the port that is wanted, or that it was given for 0. */
static bool
has_port(const struct service *sv, const struct conf_listener *want)
{
	if (sv->conf->port == want->port)
		return want->port || strcmp(sv->conf->name, want->name) == 0;
	return sv->listener && listener_port(sv->listener) == want->port;
}

/* None of the N that are TAKEN by others. */
static struct service *
find_same(const struct services *s, const struct conf_listener *want,
	struct service *const *taken, size_t n)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->v[i]->conf->address, want->address) == 0 &&
			has_port(s->v[i], want) && !is_among(taken, n, s->v[i]))
			return s->v[i];
	return NULL;
}

enum err_code
services_reload(struct services *s, struct conf *next, struct err *e)
{
	struct service **v = xcalloc(next->listeners_n, sizeof(*v));
	enum err_code rc = OK;
	size_t n = 0;

	for (; rc == OK && n < next->listeners_n; n++) {
		v[n] = find_same(s, &next->listeners[n], v, n);
		if (!v[n])
			rc = open_service(s->n, &next->listeners[n], &v[n], e);
	}
	if (rc != OK) {
		for (size_t i = 0; i < n; i++)
			if (v[i] && !is_among(s->v, s->count, v[i]))
				close_service(v[i]);
		free(v);
		return rc;
	}
	for (size_t i = 0; i < s->count; i++)
		if (!is_among(v, n, s->v[i]))
			close_service(s->v[i]);
	for (size_t i = 0; i < n; i++)
		v[i]->conf = &next->listeners[i];
	free(s->v);
	s->v = v;
	s->count = n;
	return OK;
}

unsigned
services_port(const struct services *s, size_t i)
{
	return s && i < s->count && s->v[i]->listener
		       ? listener_port(s->v[i]->listener)
		       : 0;
}

const struct conf_listener *
services_program(struct node *n, enum conf_service service, struct err *e)
{
	const struct conf_listener *l =
		conf_listener_for_program(n->conf, service);

	if (!l)
		err_set(e, ERR_CONFIG,
			"no listener of this service is configured (or TLS "
			"comes first on all of them): add one with address = "
			"\"program\"");
	else if (n->sessions_n >= n->conf->limits.connections)
		err_set(e, ERR_BUSY,
			"too many connections; try again in a moment");
	else
		return l;
	return NULL;
}

void
services_free(struct services *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		close_service(s->v[i]);
	free(s->v);
	free(s);
}
