/* cert: an authority of our own, and a certificate from it; our key. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cert/cert.h"
#include "cli/command.h"
#include "faces/text.h"

/* Beside the spool, where the daemon may write: it renews the certificate. */
static bool
usual_files(const struct conf *conf, struct cert_files *f)
{
	const char *path = strchr(conf->spool, ':');
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *certificate, *key;

	if (!slash || !str_starts_nocase(str_of(conf->spool), STR("sqlite:")))
		return false;
	path++;
	certificate =
		str_printf("%.*s/tls/tidepost.pem", (int)(slash - path), path);
	key = str_printf("%.*s/tls/tidepost.key", (int)(slash - path), path);
	cert_files_set(f, certificate, key);
	free(certificate);
	free(key);
	return true;
}

/* The host's name, and each address that a listener names. */
static size_t
collect_names(const struct conf *conf, const char *names[CERT_NAMES_MAX])
{
	size_t n = 0;

	names[n++] = conf->hostname;
	for (size_t i = 0; i < conf->listeners_n && n < CERT_NAMES_MAX; i++) {
		const char *address = conf->listeners[i].address;
		bool known = strcmp(address, "*") == 0 || address[0] == '/' ||
			     strchr(address, '%') || /* a scope is no name */
			     strcmp(address, CONF_ADDRESS_PROGRAM) == 0;

		for (size_t k = 0; k < n && !known; k++)
			known = strcmp(names[k], address) == 0;
		if (!known)
			names[n++] = address;
	}
	return n;
}

/* The folder of FILE, and the one above: nobody else looks into them. */
static int
make_folder(const char *file, bool above)
{
	char *folder = str_dup(
		(struct str){file, (size_t)(strrchr(file, '/') - file)});
	int status = 0;

	if (folder[0] && above)
		status = make_folder(folder, false);
	if (status == 0 && folder[0] && mkdir(folder, 0750) < 0 &&
		errno != EEXIST)
		status = cli_refuse(errno == EACCES ? ERR_PERM : ERR_CREATE,
			"%s: %s", folder, strerror(errno));
	free(folder);
	return status;
}

static void
print_made(const struct conf *conf, const struct cert_files *f, bool new_ca)
{
	text_printf(stdout,
		"written: %s, good for %d days; the daemon renews "
		"it\n",
		f->certificate, (int)CERT_DAYS);
	if (!conf->tls.certificate) {
		text_printf(stdout, "now put into %s:\n", conf->file);
		text_printf(stdout,
			"  tls = { certificate = \"%s\"; key = \"%s\"; };\n",
			f->certificate, f->key);
	}
	text_printf(stdout, "%s: %s\n",
		new_ca ? "the new authority" : "the authority, as before",
		f->ca);
	fputs("Put this one file on each phone and computer aboard, once: by "
	      "mail, cable or web\npage.\n"
	      "  Android: Settings, Security, Install a certificate, CA "
	      "certificate.\n"
	      "  iPhone: open it, Settings, Profile Downloaded, Install; then "
	      "General, About,\n"
	      "  Certificate Trust Settings, and switch it on.\n",
		stdout);
	text_printf(stdout, "Its mail program then takes %s as server.\n",
		conf->hostname);
	text_printf(stdout, "Keep %s to this host.\n", f->ca_key);
}

static int
make(const struct conf *conf, const struct cert_files *f, bool yes)
{
	const char *names[CERT_NAMES_MAX];
	size_t n = collect_names(conf, names);
	struct err e = {0};
	bool new_ca = false;
	enum err_code code;

	if (!yes && access(f->certificate, F_OK) == 0 && !cert_is_ours(f))
		return cli_refuse(ERR_USAGE,
			"%s is there and not from %s; --yes replaces it",
			f->certificate, f->ca);
	code = cert_authority(f, conf->hostname, clock_sane_s(), &new_ca, &e);
	if (code == OK)
		code = cert_issue(f, names, n, clock_sane_s(), &e);
	if (code != OK)
		return cli_fail(&e);
	print_made(conf, f, new_ca);
	return 0;
}

static int
run_make(struct cli *c, const struct args *a)
{
	struct cert_files f = {0};
	struct err e = {0};
	int status = cli_load(c);

	if (status != 0)
		return status;
	if (c->conf->tls.certificate && c->conf->tls.key)
		cert_files_set(&f, c->conf->tls.certificate, c->conf->tls.key);
	else if (!usual_files(c->conf, &f))
		return cli_refuse(ERR_CONFIG,
			"set tls.certificate and tls.key to where they are to "
			"be");
	if (store_become_owner(c->conf, &e) != OK)
		status = cli_fail(&e);
	if (status == 0 && f.certificate[0] != '/')
		status = cli_refuse(ERR_CONFIG,
			"tls.certificate: the path should begin with /");
	if (status == 0)
		status = make_folder(f.certificate, true);
	if (status == 0)
		status = make(c->conf, &f, args_has(a, "--yes"));
	cert_files_free(&f);
	return status;
}

/* What a peer's operator compares with the key that was seen there. */
static int
run_show(struct cli *c, const struct args *a)
{
	unsigned char key[CERT_KEY_OCTETS];
	char hex[2 * CERT_KEY_OCTETS + 1], time[TEXT_SHORT_MAX];
	const char *file;
	struct err e = {0};
	int64_t ends;
	int status = cli_load(c);

	(void)a;
	if (status != 0)
		return status;
	file = c->conf->tls.certificate;
	if (!file)
		return cli_refuse(ERR_NOTFOUND,
			"%s has no tls.certificate (tidepost cert make)",
			c->conf->file);
	if (cert_look(file, key, &ends, &e) != OK)
		return cli_fail(&e);
	for (size_t i = 0; i < sizeof(key); i++)
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
	text_time(ends, time);
	text_printf(stdout, "%-14s%s\n", "certificate", file);
	text_printf(stdout, "%-14s%s\n", "good until", time);
	text_printf(stdout, "%-14ssha256:%s\n", "key", hex);
	return 0;
}

static const struct option make_options[] = {
	{.name = "--yes", .help = "replace a certificate of somebody else"},
	{.name = NULL},
};

const struct command cert_commands[] = {
	{.name = "cert make",
		.words = "",
		.options = make_options,
		.help = "A local authority, and our certificate from it.",
		.example = "tidepost cert make",
		.run = run_make},
	{.name = "cert show",
		.words = "",
		.help = "Our certificate, its end, and its key to compare.",
		.example = "tidepost cert show",
		.run = run_show},
	{.name = NULL},
};
