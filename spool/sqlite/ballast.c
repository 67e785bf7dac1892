/*
 * Room on the disk. On a full disk not even DELETE works, since its log has
 * nowhere to go: so some octets are kept in a file that is thrown away then,
 * and made again when there is room.
 */
#include "spool/sqlite/sqlite.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static uint64_t
disk_free(const struct engine *g)
{
	struct statvfs v;

	if (statvfs(g->folder, &v) < 0)
		return UINT64_MAX; /* not known: the write will tell */
	return (uint64_t)v.f_bavail * v.f_frsize;
}

/*
 * Free pages inside the file count as room. Once the ballast is used up, what
 * it left on the disk belongs to the log of deletions, not to new mail.
 */
bool
disk_has_room(struct engine *g, uint64_t size)
{
	uint64_t room = disk_free(g);
	uint64_t want = g->reserve + size + size / 16; /* pages' own needs */

	if (room == UINT64_MAX)
		return true;
	if (g->options->daemon && !atomic_load(&g->has_ballast)) {
		if (room < SQLITE_BALLAST_BYTES / 2)
			return false;
		want += SQLITE_BALLAST_BYTES;
	}
	return room + atomic_load(&g->free_bytes) >= want;
}

static int
ballast_write(struct engine *g)
{
	int fd = open(g->ballast_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	int err;

	if (fd < 0)
		return errno;
	err = posix_fallocate(fd, 0, SQLITE_BALLAST_BYTES);
	close(fd);
	if (err)
		unlink(g->ballast_path);
	return err;
}

/* Not having one is no reason not to start. */
void
ballast_make(struct engine *g)
{
	struct stat st;

	if (stat(g->ballast_path, &st) == 0 &&
		st.st_size >= SQLITE_BALLAST_BYTES) {
		atomic_store(&g->has_ballast, true);
		return;
	}
	if (disk_free(g) < SQLITE_BALLAST_BYTES * 2 || ballast_write(g)) {
		log_warning("ballast", LOG_STR("file", g->ballast_path),
			LOG_STR("error", "no room for it"));
		return;
	}
	atomic_store(&g->has_ballast, true);
}

void
ballast_restore(struct engine *g)
{
	if (atomic_load(&g->has_ballast))
		return;
	if (disk_free(g) < g->reserve + SQLITE_BALLAST_BYTES * 2)
		return;
	if (ballast_write(g) == 0) {
		atomic_store(&g->has_ballast, true);
		log_info("ballast", LOG_STR("file", g->ballast_path),
			LOG_STR("text", "there is room again"));
	}
}

bool
ballast_drop(struct engine *g)
{
	if (!atomic_exchange(&g->has_ballast, false))
		return false;
	log_warning("ballast", LOG_STR("file", g->ballast_path),
		LOG_STR("text", "the disk is full, using the ballast"));
	return unlink(g->ballast_path) == 0;
}
