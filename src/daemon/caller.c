#include "daemon/caller.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
is_named(const struct conf_strings *list, const char *user)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], user) == 0)
			return true;
	return false;
}

void
caller_who(const struct conf *conf, unsigned uid, struct receive_program *p_r)
{
	const struct passwd *pw = getpwuid(uid);

	*p_r = (struct receive_program){.user = ""};
	if (!pw || !str_copyz(p_r->user, sizeof(p_r->user), pw->pw_name))
		snprintf(p_r->user, sizeof(p_r->user), "%u", uid);
	p_r->trusted = uid == 0 || uid == geteuid() ||
		       is_named(&conf->programs.trusted, p_r->user);
}
