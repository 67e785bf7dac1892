#include "daemon/helper_env.h"

#include "base/str.h"

#include <stdlib.h>

enum { ENV_OWN_MAX = 16 };

static const char standard_path[] =
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct env {
	char **v;
	size_t n;
};

static void
add(struct env *env, const char *name, const char *value)
{
	env->v[env->n++] = str_printf("%s=%s", name, value);
}

static void
pass_on(struct env *env, const char *name)
{
	const char *value = getenv(name);

	if (value)
		add(env, name, value);
}

static void
add_who(struct env *env, const struct passwd *pw)
{
	if (!pw) {
		pass_on(env, "HOME");
		pass_on(env, "USER");
		pass_on(env, "LOGNAME");
		return;
	}
	add(env, "HOME", pw->pw_dir);
	add(env, "USER", pw->pw_name);
	add(env, "LOGNAME", pw->pw_name);
}

char **
helper_env_new(const struct conf *conf, const struct passwd *pw,
	const char *event, const char *const *rows)
{
	static const char *const names[] = {"LANG", "LC_ALL", "LC_CTYPE", "TZ"};
	const char *path = getenv("PATH");
	struct env env = {.n = 0};
	size_t n = 0;

	while (rows && rows[n])
		n++;
	env.v = xcalloc(n + ENV_OWN_MAX, sizeof(*env.v));
	add(&env, "PATH", path ? path : standard_path);
	add_who(&env, pw);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		pass_on(&env, names[i]);
	add(&env, "TIDEPOST_CONF", conf->file);
	add(&env, "TIDEPOST_HOST", conf->hostname);
	if (event)
		add(&env, "TIDEPOST_EVENT", event);
	for (size_t i = 0; i < n; i++)
		env.v[env.n++] = str_dupz(rows[i]);
	return env.v;
}

void
helper_env_free(char **env)
{
	for (size_t i = 0; env && env[i]; i++)
		free(env[i]);
	free(env);
}
