/* setup: a few questions, a configuration that works, its password file. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/answers.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/file.h"
#include "faces/load.h"
#include "faces/text.h"

enum {
	SETUP_FILE_MAX = 65536, /* octets of a file of answers */
	SETUP_TRIES = 5,	/* for one question */
	CONF_MODE = 0644, /* it has no secrets, and who may look reads it */
	SECRET_MODE = 0600,
};

/* As `user` of the configuration, where it says nothing. */
#define SETUP_DAEMON_USER "tidepost"

static const char *const questions[ANSWERS_N] = {
	[ANSWER_ROLE] = "Is this a site or a provider?",
	[ANSWER_HOSTNAME] = "The name of this host, with its domain",
	[ANSWER_PROVIDER] = ("The host that takes our mail (a provider: "
			     "or none)"),
	[ANSWER_USER] = "Our name there",
	[ANSWER_LINK] = "A name for the link (or none: always there)",
	[ANSWER_CERTIFICATE] = "The file with our certificate",
	[ANSWER_KEY] = "The file with its key",
};

/* --- answers --- */

static enum err_code
take_options(struct answers *a, const struct args *args, struct err *e)
{
	enum err_code code = OK;

	for (int i = 0; code == OK && i < ANSWER_PASSWORD; i++) {
		char option[32];
		const char *value;

		snprintf(option, sizeof(option), "--%s",
			answer_name((enum answer)i));
		value = args_value(args, option);
		if (value)
			code = answers_set(a, (enum answer)i, str_of(value), e);
	}
	return code;
}

static enum err_code
take_file(struct answers *a, const char *file, struct err *e)
{
	struct buf text;
	enum err_code code;

	if (!file)
		return OK;
	code = file_read(file, SETUP_FILE_MAX, &text, e);
	if (code == OK)
		code = answers_read(a, file, buf_view(&text), e);
	buf_free(&text);
	return code;
}

static enum err_code
ask_one(struct answers *a, enum answer which, struct err *e)
{
	char *proposed = answers_default(a, which);
	enum err_code code = ERR_INVALID;
	char line[512];

	for (int i = 0; code == ERR_INVALID && i < SETUP_TRIES; i++) {
		code = ask_line(
			questions[which], proposed, line, sizeof(line), e);
		if (code == OK)
			code = answers_set(a, which, str_of(line), e);
		if (code == ERR_INVALID)
			text_printf(stderr, "%s\n", e->text);
	}
	free(proposed);
	return code;
}

static enum err_code
ask_secret(struct answers *a, bool from_stdin, struct err *e)
{
	char password[SASL_SECRET_MAX + 1] = "";
	enum err_code code =
		ask_password(from_stdin, a->v[ANSWER_USER], password, e);

	if (code == OK)
		code = answers_set(a, ANSWER_PASSWORD, str_of(password), e);
	explicit_bzero(password, sizeof(password));
	return code;
}

/* What is not known is asked for, or taken as proposed. */
static enum err_code
complete_one(struct answers *a, enum answer which, bool asks, struct err *e)
{
	char *proposed;

	if (asks)
		return ask_one(a, which, e);
	proposed = answers_default(a, which);
	/* who this host is, and what stays unsaid on purpose, is not guessed */
	if (!proposed || which == ANSWER_ROLE || which == ANSWER_HOSTNAME) {
		free(proposed);
		return err_set(e, ERR_USAGE,
			"no terminal to ask on; give --%s, or %s in the file "
			"of --from",
			answer_name(which), answer_name(which));
	}
	a->v[which] = proposed;
	return OK;
}

static enum err_code
complete(struct answers *a, const struct args *args, struct err *e)
{
	bool from_stdin = args_has(args, "--password-stdin");
	bool asks = ask_possible() && !from_stdin;
	enum err_code code = OK;

	for (int i = 0; code == OK && i < ANSWER_PASSWORD; i++)
		if (!a->v[i] && answers_need(a, (enum answer)i))
			code = complete_one(a, (enum answer)i, asks, e);
	if (code != OK)
		return code;
	if (strcmp(a->v[ANSWER_ROLE], "site") == 0 &&
		strcmp(a->v[ANSWER_PROVIDER], ANSWER_NONE) == 0)
		return err_set(e, ERR_INVALID,
			"a site needs a provider: --provider HOST");
	if (!answers_need(a, ANSWER_PASSWORD) || a->v[ANSWER_PASSWORD])
		return OK;
	return ask_secret(a, from_stdin, e);
}

/* --- files and folders --- */

/* All that is written, and where. */
struct setup {
	struct answers answers;
	char *conf, *secret; /* absolute; owned */
	bool has_secret;
};

/* FILE from the root on; its folder has to be there. */
static enum err_code
place_files(struct setup *s, const char *file, struct err *e)
{
	const char *slash = strrchr(file, '/');
	char *folder = slash ? str_printf("%.*s/", (int)(slash - file), file)
			     : str_dupz(".");
	char *whole = realpath(folder, NULL);

	free(folder);
	if (!whole)
		return err_set(e, ERR_CREATE,
			"%s: its folder: %s (make it first, or name another "
			"place with -c)",
			file, strerror(errno));
	s->conf = str_printf("%s/%s", whole, slash ? slash + 1 : file);
	s->secret = str_printf("%s/%s.secret", whole,
		strcmp(s->answers.v[ANSWER_ROLE], "site") == 0 ? "provider"
							       : "relay");
	s->has_secret = answers_need(&s->answers, ANSWER_PASSWORD);
	free(whole);
	return OK;
}

static enum err_code
may_replace(const char *file, bool yes, struct err *e)
{
	char *question;
	bool agreed;

	if (yes || access(file, F_OK) != 0)
		return OK;
	if (!ask_possible())
		return err_set(e, ERR_USAGE,
			"%s is there already; --yes replaces it", file);
	question = str_printf("%s is there already. Replace it?", file);
	agreed = ask_yes(question);
	free(question);
	return agreed ? OK : err_set(e, ERR_USAGE, "nothing was changed");
}

/* NULL: no user to give anything to, or we are not root. */
static const struct passwd *
daemon_user(void)
{
	return geteuid() == 0 ? getpwnam(SETUP_DAEMON_USER) : NULL;
}

/* The daemon's user reads both, where root makes them. */
static enum err_code
give_to_daemon(const char *file, bool secret, struct err *e)
{
	const struct passwd *pw = daemon_user();

	if (!pw)
		return OK;
	if (chown(file, secret ? pw->pw_uid : 0, pw->pw_gid) < 0)
		return err_set(e, ERR_PERM, "%s: %s", file, strerror(errno));
	return OK;
}

static enum err_code
write_secret(const struct setup *s, struct err *e)
{
	struct buf line;
	enum err_code code;

	if (!s->has_secret)
		return OK;
	buf_init(&line, 0);
	buf_addf(&line, "%s\n", s->answers.v[ANSWER_PASSWORD]);
	code = file_write(s->secret, SECRET_MODE, buf_view(&line), e);
	explicit_bzero(line.data, line.cap);
	buf_free(&line);
	return code == OK ? give_to_daemon(s->secret, true, e) : code;
}

/* 78: FILE has an error. What is wrong is printed, warnings where WARN. */
static int
check_written(const char *file, bool warn)
{
	struct complaints found = {0};
	struct conf *conf;
	struct buf text;
	int status;

	conf_load(file, &conf, &found);
	buf_init(&text, 0);
	for (size_t i = 0; i < found.n; i++)
		if (warn || found.v[i].kind == COMPLAINT_ERROR)
			complaint_format(&found.v[i], &text);
	text_print_lines(stderr, buf_view(&text));
	buf_free(&text);
	status = found.errors ? err_exit_status(ERR_CONFIG) : 0;
	complaints_free(&found);
	conf_free(conf);
	return status;
}

static enum err_code
write_conf(const struct setup *s, const char *file, struct err *e)
{
	struct buf text;
	enum err_code code;

	buf_init(&text, 0);
	answers_write(&s->answers, s->secret, &text);
	code = file_write(file, CONF_MODE, buf_view(&text), e);
	buf_free(&text);
	return code == OK ? give_to_daemon(file, false, e) : code;
}

static bool
lacks_certificate(const struct setup *s)
{
	const char *file = s->answers.v[ANSWER_CERTIFICATE];

	return file && access(file, F_OK) != 0;
}

/* Nothing is replaced before the new file has been found good. */
static int
write_files(const struct setup *s)
{
	char *beside = str_printf("%s.new", s->conf);
	struct err e = {0};
	int status = 0;

	if (write_conf(s, beside, &e) != OK)
		status = cli_fail(&e);
	if (status == 0)
		status = check_written(beside, false);
	if (status == 0 && write_secret(s, &e) != OK)
		status = cli_fail(&e);
	if (status == 0 && rename(beside, s->conf) < 0)
		status = cli_refuse(
			ERR_CREATE, "%s: %s", s->conf, strerror(errno));
	if (status != 0)
		unlink(beside);
	free(beside);
	/* that "cert make" has to come yet is said with what is next */
	return status == 0 ? check_written(s->conf, !lacks_certificate(s))
			   : status;
}

/*
 * Mailboxes are made by the daemon's user, who may not make anything beside
 * them. Only for a node of this host: one elsewhere has its own folders.
 */
static void
make_mail_folder(const struct setup *s)
{
	const struct passwd *pw = daemon_user();
	char *folder;

	if (geteuid() != 0 || strcmp(s->conf, conf_path(NULL)) != 0)
		return;
	if (!pw) {
		text_printf(stderr,
			"there is no user %s yet, who must be able to read "
			"these files: make it (INSTALL, C), then run this "
			"again\n",
			SETUP_DAEMON_USER);
		return;
	}
	folder = str_printf(ANSWERS_MAIL "/%s", s->answers.v[ANSWER_HOSTNAME]);
	if (mkdir(folder, 0755) == 0 &&
		lchown(folder, pw->pw_uid, pw->pw_gid) == 0)
		text_printf(stdout, "made:    %s (mailboxes)\n", folder);
	else if (errno != EEXIST)
		text_printf(stderr,
			"%s: %s; make this folder for the mailboxes and give "
			"it to %s\n",
			folder, strerror(errno), SETUP_DAEMON_USER);
	free(folder);
}

/* How the daemon is started here: by systemd, where that runs. */
static void
print_start(const struct setup *s)
{
	if (strcmp(s->conf, conf_path(NULL)) != 0)
		text_printf(stdout, "next:    tidepostd -c %s\n", s->conf);
	else if (access("/run/systemd/system", F_OK) == 0)
		text_printf(
			stdout, "next:    systemctl enable --now tidepost\n");
	else
		text_printf(stdout, "next:    tidepostd\n");
}

static void
print_next(const struct setup *s)
{
	bool usual = strcmp(s->conf, conf_path(NULL)) == 0;
	const char *link = s->answers.v[ANSWER_LINK];

	text_printf(stdout, "written: %s\n", s->conf);
	if (s->has_secret)
		text_printf(stdout, "written: %s (the password)\n", s->secret);
	if (lacks_certificate(s))
		text_printf(stdout,
			"next:    tidepost%s%s cert make (there is no %s yet)\n",
			usual ? "" : " -c ", usual ? "" : s->conf,
			s->answers.v[ANSWER_CERTIFICATE]);
	print_start(s);
	text_printf(stdout, "then:    tidepost%s%s ", usual ? "" : " -c ",
		usual ? "" : s->conf);
	if (strcmp(s->answers.v[ANSWER_ROLE], "site") != 0)
		text_printf(stdout, "customer add NAME --domain DOMAIN\n");
	else if (strcmp(link, ANSWER_NONE) != 0)
		text_printf(stdout, "link up %s --wait\n", link);
	else
		text_printf(stdout, "status\n");
}

static enum err_code
prepare(struct setup *s, const struct cli *c, const struct args *a,
	struct err *e)
{
	bool yes = args_has(a, "--yes");
	enum err_code code = take_options(&s->answers, a, e);

	if (code == OK)
		code = take_file(&s->answers, args_value(a, "--from"), e);
	if (code == OK)
		code = may_replace(conf_path(c->conf_option), yes, e);
	if (code == OK)
		code = complete(&s->answers, a, e);
	if (code == OK)
		code = place_files(s, conf_path(c->conf_option), e);
	if (code == OK && s->has_secret)
		code = may_replace(s->secret, yes, e);
	return code;
}

static int
run_setup(struct cli *c, const struct args *a)
{
	struct setup s = {0};
	struct err e = {0};
	enum err_code code = prepare(&s, c, a, &e);
	int status;

	status = code == OK ? write_files(&s) : cli_fail(&e);
	if (status == 0) {
		make_mail_folder(&s);
		print_next(&s);
	}
	answers_free(&s.answers);
	free(s.conf);
	free(s.secret);
	return status;
}

static const struct option setup_options[] = {
	{.name = "--from",
		.value = "FILE",
		.help = "answers, a line each: hostname = VALUE"},
	{.name = "--role", .value = "ROLE", .help = "site or provider"},
	{.name = "--hostname", .value = "NAME", .help = "who this host is"},
	{.name = "--provider",
		.value = "HOST",
		.help = "who takes our mail, and has ours"},
	{.name = "--user", .value = "NAME", .help = "our name there"},
	{.name = "--password-stdin",
		.help = "our password there is the line on standard input"},
	{.name = "--link",
		.value = "NAME",
		.help = "the way out; none: always there"},
	{.name = "--network",
		.value = "CIDR",
		.help = "may send without a password, beside this host"},
	{.name = "--certificate",
		.value = "FILE",
		.help = "ours, for people who log in"},
	{.name = "--key", .value = "FILE", .help = "its key"},
	{.name = "--yes", .help = "replace what is there"},
	{.name = NULL},
};

const struct command setup_commands[] = {
	{.name = "setup",
		.words = "",
		.options = setup_options,
		.help = "Asks a few questions, writes a working configuration.",
		.example = "tidepost setup --role site --hostname "
			   "aurora.example.org --provider mail.shore.example "
			   "--user aurora --link vsat",
		.run = run_setup},
	{.name = NULL},
};
