#include "daemon/identity.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* A fault that cannot be, but would cost too much. */
static bool
can_get_back(const struct passwd *pw)
{
	return pw->pw_uid != 0 && (setuid(0) == 0 || seteuid(0) == 0);
}

enum err_code
identity_become(const struct passwd *pw, struct err *e)
{
	if (geteuid() == pw->pw_uid && getuid() == pw->pw_uid &&
		pw->pw_uid != 0)
		return OK;
	if (initgroups(pw->pw_name, pw->pw_gid) == 0 &&
		setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == 0 &&
		setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == 0 &&
		!can_get_back(pw))
		return OK;
	return err_set(e, ERR_PERM, "cannot become user %s: %s", pw->pw_name,
		strerror(errno));
}
