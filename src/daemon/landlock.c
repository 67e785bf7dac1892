#include "daemon/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of later kernels than the headers may be: linux/landlock.h. */
#define FS(bit) (UINT64_C(1) << (bit))
#define RIGHT_TRUNCATE FS(14)  /* version 3 */
#define RIGHT_IOCTL_DEV FS(15) /* version 5 */
#define SCOPE_SIGNAL FS(1)     /* version 6 */

struct ruleset {
	uint64_t files, net, scoped;
};

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_WRITE                                                           \
	(RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |                         \
		LANDLOCK_ACCESS_FS_REMOVE_DIR |                                \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
		LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |   \
		LANDLOCK_ACCESS_FS_REFER | RIGHT_TRUNCATE)
/* Those that a rule for a file may have. */
#define RIGHTS_FILE                                                            \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |        \
		RIGHT_TRUNCATE)

static int
version(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
}

int
landlock_version(void)
{
	int v = version();

	return v >= LANDLOCK_VERSION_MIN ? v : 0;
}

/* All that a kernel of version V can take away. */
static uint64_t
all_rights(int v)
{
	uint64_t rights = FS(14) - 1; /* the first 14, up to REFER */

	if (v >= 3)
		rights |= RIGHT_TRUNCATE;
	if (v >= 5)
		rights |= RIGHT_IOCTL_DEV;
	return rights;
}

static int
new_ruleset(int v)
{
	struct ruleset r = {.files = all_rights(v)};
	size_t size = sizeof(r.files);

	if (v >= 6) { /* nobody outside gets a signal from us */
		r.scoped = SCOPE_SIGNAL;
		size = sizeof(r);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
}

static enum err_code
add_path(int rules, const struct landlock_path *p, uint64_t handled,
	struct err *e)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access =
			handled & (p->access == LANDLOCK_WRITE ? RIGHTS_WRITE
							       : RIGHTS_READ),
		.parent_fd = open(p->path, O_PATH | O_CLOEXEC),
	};
	struct stat st;
	int rc = 0;

	if (rule.parent_fd < 0)
		return OK; /* not there, or not for us: then it is not needed */
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= RIGHTS_FILE;
	rc = (int)syscall(SYS_landlock_add_rule, rules,
		LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return rc == 0 ? OK
		       : err_set(e, ERR_IO, "landlock, %s: %s", p->path,
				 strerror(errno));
}

enum err_code
landlock_apply(const struct landlock_path *paths, size_t n, struct err *e)
{
	int v = landlock_version();
	int rules = new_ruleset(v);
	enum err_code rc = OK;

	if (rules < 0)
		return err_set(e, ERR_IO, "landlock: %s", strerror(errno));
	for (size_t i = 0; i < n && rc == OK; i++)
		rc = add_path(rules, &paths[i], all_rights(v), e);
	if (rc == OK &&
		(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
			syscall(SYS_landlock_restrict_self, rules, 0) != 0))
		rc = err_set(e, ERR_IO, "landlock: %s", strerror(errno));
	close(rules);
	return rc;
}
