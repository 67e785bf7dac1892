#include "daemon/rights.h"

#include "daemon/identity.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By hand: two system calls, for which Debian's libcap would be one more. */
static bool
keep_only(unsigned cap)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
	uint32_t had;

	if (syscall(SYS_capget, &head, data) != 0)
		return false;
	had = data[0].permitted & CAP_TO_MASK(cap);
	memset(data, 0, sizeof(data));
	data[0].permitted = data[0].effective = had;
	return syscall(SYS_capset, &head, data) == 0;
}

/* Nothing that is run could get them back. Where it may not, it cannot run. */
static void
shrink_bounds(unsigned cap)
{
	for (unsigned i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (i != cap)
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/* Root that stays root was told so: it keeps all. */
static enum err_code
drop_capabilities(const struct passwd *pw, struct err *e)
{
	if (!pw && geteuid() == 0)
		return OK;
	shrink_bounds(CAP_NET_BIND_SERVICE);
	if (pw && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return err_set(
			e, ERR_PERM, "capabilities: %s", strerror(errno));
	if (pw && identity_become(pw, e) != OK)
		return e->code;
	if (!keep_only(CAP_NET_BIND_SERVICE))
		return err_set(
			e, ERR_PERM, "capabilities: %s", strerror(errno));
	return OK;
}

void
rights_keep_ports(void)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_NET_BIND_SERVICE, 0, 0);
}

enum err_code
rights_drop(const struct passwd *pw, struct err *e)
{
	const struct rlimit none = {0, 0};
	enum err_code rc = drop_capabilities(pw, e);

	if (rc != OK)
		return rc;
	umask(RIGHTS_UMASK);
	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* which looks into itself at its end */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(
			e, ERR_PERM, "no new privileges: %s", strerror(errno));
	return OK;
}
