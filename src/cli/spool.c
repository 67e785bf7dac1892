/* spool: copies of it, whole; and is it whole? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/node.h"
#include "cli/tar.h"
#include "faces/text.h"

static int
run_check(struct cli *c, const struct args *a)
{
	struct err e = {0};
	int status = cli_spool_read(c);

	(void)a;
	if (status != 0)
		return status;
	if (spool_check(c->spool, &e) != OK)
		return cli_fail(&e);
	text_printf(stdout, "%s: ok\n", c->conf->spool);
	return 0;
}

/* 64: FILE is there, and nobody agrees to its end. */
static int
may_replace(const char *file, const char *what, bool yes)
{
	char *question;
	bool agreed;

	if (yes || access(file, F_OK) != 0)
		return 0;
	if (!ask_possible())
		return cli_refuse(ERR_USAGE,
			"%s is there already; --yes replaces %s", file, what);
	question = str_printf("%s is there already. Replace %s?", file, what);
	agreed = ask_yes(question);
	free(question);
	return agreed ? 0 : cli_refuse(ERR_USAGE, "nothing was changed");
}

static void
print_size(const char *file)
{
	char size[TEXT_SHORT_MAX] = "";
	struct stat st;

	if (stat(file, &st) == 0)
		text_size((uint64_t)st.st_size, size);
	text_printf(stdout, "%s: %s octets\n", file, size);
}

/* --- backup --- */

static enum err_code
copy_to(struct spool *s, const char *file, struct err *e)
{
	char *part = str_printf("%s.part", file);
	enum err_code code = spool_copy(s, part, e);

	if (code == OK && rename(part, file) < 0) {
		code = err_set(e, ERR_CREATE, "%s: %s", file, strerror(errno));
		unlink(part);
	}
	free(part);
	return code == OK ? file_sync_folder(file, e) : code;
}

/* 73: no file can be at FILE. */
static int
has_place(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *folder = slash ? str_printf("%.*s/", (int)(slash - file), file)
			     : str_dupz(".");
	bool there = access(folder, F_OK) == 0;
	struct stat st;

	free(folder);
	if (!there)
		return cli_refuse(ERR_CREATE,
			"%s: there is no such folder: make it first", file);
	if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
		return cli_refuse(
			ERR_CREATE, "%s is a folder: name a file in it", file);
	return 0;
}

static int
run_backup(struct cli *c, const struct args *a)
{
	const char *file = a->words[0];
	struct err e = {0};
	enum err_code code;
	int status = has_place(file);

	if (status == 0)
		status = may_replace(file, "it", args_has(a, "--yes"));
	if (status == 0)
		status = cli_spool_read(c);
	if (status != 0)
		return status;
	code = args_has(a, "--node") ? node_write(c, file, &e)
				     : copy_to(c->spool, file, &e);
	if (code != OK)
		return cli_fail(&e);
	print_size(file);
	return 0;
}

/* --- restore --- */

/* The path of "sqlite:PATH". */
static const char *
spool_path(const struct conf *conf)
{
	struct str scheme = STR("sqlite:");

	return str_starts_nocase(str_of(conf->spool), scheme)
		       ? conf->spool + scheme.n
		       : NULL;
}

/* What a spool at PATH may have beside it. */
static void
remove_spool(const char *path)
{
	static const char *const tails[] = {
		"", "-wal", "-shm", "-journal", ".lock", ".ballast"};

	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		char *name = str_printf("%s%s", path, tails[i]);

		unlink(name);
		free(name);
	}
}

/* To where the spool begins in FROM, a copy or a whole node; its octets. */
static uint64_t
find_spool(int from)
{
	struct tar_member m;
	bool node = node_has_spool(from, &m);

	lseek(from, node ? (off_t)m.at : 0, SEEK_SET);
	return node ? m.size : UINT64_MAX;
}

static enum err_code
copy_in(int from, const char *file, const char *copy, struct err *e)
{
	int to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	enum err_code code;

	if (to < 0)
		return err_set(e, ERR_CREATE, "%s: %s", copy, strerror(errno));
	code = file_copy(from, to, find_spool(from), file, copy, e);
	/* an empty file would be taken for a new spool */
	if (code == OK && lseek(to, 0, SEEK_CUR) == 0)
		code = err_set(e, ERR_CORRUPT, "%s: is empty", file);
	close(to);
	return code;
}

/* The copy, brought up to date, looked through, and all of it held. */
static enum err_code
make_ready(const char *copy, size_t *held_r, struct err *e)
{
	char *url = str_printf("sqlite:%s", copy), who[64];
	struct spool_options options = {.url = url, .daemon = true};
	struct spool *s = NULL;
	enum err_code code = spool_open(&options, &s, e);

	store_who(who, sizeof(who));
	if (code == OK)
		code = spool_check(s, e);
	if (code == OK)
		code = spool_hold_restored(s, who, held_r, e);
	spool_close(s);
	free(url);
	return code;
}

static int
restore_from(struct cli *c, int from, const char *file)
{
	char *copy = str_printf("%s.restore", spool_path(c->conf));
	struct err e = {0};
	size_t held = 0;
	enum err_code code;

	remove_spool(copy);
	code = copy_in(from, file, copy, &e);
	if (code == OK) {
		code = make_ready(copy, &held, &e);
		err_wrap(&e, code, "%s: the spool was not changed", file);
	}
	if (code == OK)
		code = spool_replace(c->spool, copy, &e);
	remove_spool(copy);
	free(copy);
	if (code != OK)
		return cli_fail(&e);
	text_printf(stdout,
		"%s: restored; %zu %s held: look at them (tidepost queue list "
		"--state held), then tidepost queue release\n",
		c->conf->spool, held,
		text_plural(held, "delivery is", "deliveries are"));
	return 0;
}

static int
restore_spool(struct cli *c, int from, const char *file, bool yes)
{
	int status = cli_load(c);

	if (status != 0)
		return status;
	if (!spool_path(c->conf))
		return cli_refuse(ERR_UNSUPPORTED, "spool \"%s\" is no file",
			c->conf->spool);
	status = may_replace(spool_path(c->conf), "all mail in it", yes);
	if (status == 0)
		status = cli_spool_write(c);
	return status == 0 ? restore_from(c, from, file) : status;
}

static int
run_restore(struct cli *c, const struct args *a)
{
	const char *file = a->words[0], *to = args_value(a, "--to");
	bool yes = args_has(a, "--yes");
	/* before root becomes the daemon's user */
	int status = 0, from = open(file, O_RDONLY | O_CLOEXEC);

	if (from < 0)
		return cli_refuse(
			ERR_NOTFOUND, "%s: %s", file, strerror(errno));
	if (to)
		status = node_unpack(from, file, to);
	else if (args_has(a, "--node"))
		status = node_put_back(c, from, file, yes);
	if (status == 0 && !to)
		status = restore_spool(c, from, file, yes);
	close(from);
	return status;
}

/* --- vacuum --- */

static int
run_vacuum(struct cli *c, const struct args *a)
{
	struct err e = {0};
	int status = cli_load(c);

	(void)a;
	/* only where there is one: it is not made to be made small */
	if (status == 0)
		status = cli_spool_read(c);
	if (status == 0)
		status = cli_spool_write(c);
	if (status != 0)
		return status;
	if (spool_vacuum(c->spool, &e) != OK)
		return cli_fail(&e);
	if (spool_path(c->conf))
		print_size(spool_path(c->conf));
	return 0;
}

static const struct option backup_options[] = {
	{.name = "--node", .help = "with configuration and secrets, as a tar"},
	{.name = "--yes", .help = "replace the file that is there"},
	{.name = NULL},
};

static const struct option restore_options[] = {
	{.name = "--node",
		.help = "with the configuration and secrets of the archive"},
	{.name = "--to",
		.value = "FOLDER",
		.help = "only unpack the archive into a new folder"},
	{.name = "--yes", .help = "replace what is there"},
	{.name = NULL},
};

const struct command spool_commands[] = {
	{.name = "spool check",
		.words = "",
		.help = "Looks whether the spool is whole.",
		.example = "tidepost spool check",
		.run = run_check},
	{.name = "spool backup",
		.words = "FILE",
		.least = 1,
		.most = 1,
		.options = backup_options,
		.help = "Copies the spool into a file; mail goes on.",
		.example = "tidepost spool backup /media/stick/spool.backup",
		.run = run_backup},
	{.name = "spool restore",
		.words = "FILE",
		.least = 1,
		.most = 1,
		.options = restore_options,
		.help = "Puts a copy in the spool's place; all of it is held.",
		.example = "tidepost spool restore /media/stick/spool.backup",
		.run = run_restore},
	{.name = "spool vacuum",
		.words = "",
		.help = "Gives free room in the spool back to the disk.",
		.example = "tidepost spool vacuum",
		.run = run_vacuum},
	{.name = NULL},
};
