/*
 * What a shell proposes while a command line is typed: a script for bash or
 * zsh, printed from the command tables when tidepost is installed.
 */
#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "cli/command.h"

/* What --color knows (cli/colour.c). */
#define COLOUR_WHEN "always never auto"

typedef void each_command(const struct command *c);

static void
for_each(each_command *fn)
{
	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++)
			fn(c);
}

/* The first word of C's name, where no verb before C has it too. */
static bool
first_of_family(const struct command *command, struct str *word_r)
{
	struct str rest;

	*word_r = str_cut(str_of(command->name), ' ', &rest);
	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++) {
			if (c == command)
				return true;
			if (str_eq(str_cut(str_of(c->name), ' ', &rest),
				    *word_r))
				return false;
		}
	return true;
}

static bool
is_family(struct str word)
{
	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++) {
			struct str rest;

			if (str_eq(str_cut(str_of(c->name), ' ', &rest),
				    word) &&
				rest.n)
				return true;
		}
	return false;
}

/* --- bash --- */

static void
bash_first(const struct command *c)
{
	struct str word;

	if (first_of_family(c, &word))
		printf(" %.*s", STR_FMT(word));
}

static void
bash_family(const struct command *command)
{
	struct str word, family, rest;

	if (!first_of_family(command, &word) || !is_family(word))
		return;
	printf("\t%.*s) echo \"", STR_FMT(word));
	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++) {
			family = str_cut(str_of(c->name), ' ', &rest);
			if (str_eq(family, word) && rest.n)
				printf("%.*s ", STR_FMT(rest));
		}
	printf("\" ;;\n");
}

static void
bash_options(const struct command *c)
{
	printf("\t\"%s\") echo \"", c->name);
	for (const struct option *o = c->options; o && o->name; o++)
		if (!o->later)
			printf("%s ", o->name);
	printf("--color --help\" ;;\n");
}

static void
bash_values(const struct command *c)
{
	for (const struct option *o = c->options; o && o->name; o++)
		if (o->value && !o->later)
			printf("\t\"%s %s\") echo \"%s\" ;;\n", c->name,
				o->name, o->value);
}

static void
bash_words(const struct command *c)
{
	if (c->words[0])
		printf("\t\"%s\") echo \"%s\" ;;\n", c->name, c->words);
}

static const char bash_head[] =
	"# bash completion for tidepost, printed by tidepost help "
	"--completion bash\n\n";

static const char bash_tail[] =
	"# What may stand for WHAT behind the verb of FAMILY.\n"
	"_tidepost_words() {\n"
	"\tcase $2 in\n"
	"\t*FILE*) compgen -f -- \"$cur\" ;;\n"
	"\t*VERB*) compgen -W \"$(_tidepost_first)\" -- \"$cur\" ;;\n"
	"\t*NAME*)\n"
	"\t\tcase $1 in\n"
	"\t\tlink | peer | user | customer)\n"
	"\t\t\tcompgen -W \"$(\"${COMP_WORDS[0]}\" \"${conf[@]}\" \"$1\" \\\n"
	"\t\t\t\tlist --json 2>/dev/null |\n"
	"\t\t\t\tsed -n 's/^{\"name\":\"\\([^\"\\\\ $`]*\\)\".*/\\1/p')\" "
	"\\\n"
	"\t\t\t\t-- \"$cur\" ;;\n"
	"\t\tesac ;;\n"
	"\tesac\n"
	"}\n\n"
	"_tidepost() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}"
	"\n"
	"\tlocal words=() conf=() i verb value IFS=$' \\t\\n'\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t-c) conf=(-c \"${COMP_WORDS[i+1]}\"); ((i++)) ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) words+=(\"${COMP_WORDS[i]}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $prev == -c ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [[ $prev == --color ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W '" COLOUR_WHEN "' -- "
	"\"$cur\")\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tverb=${words[0]-}\n"
	"\tif [[ -z $verb ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_tidepost_first) -c "
	"--help --version\" -- \"$cur\")\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [[ -n $(_tidepost_family \"$verb\") ]]; then\n"
	"\t\tif ((${#words[@]} == 1)); then\n"
	"\t\t\tmapfile -t COMPREPLY < <(compgen -W \\\n"
	"\t\t\t\t\"$(_tidepost_family \"$verb\")\" -- \"$cur\")\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\tverb+=\" ${words[1]}\"\n"
	"\tfi\n"
	"\tvalue=$(_tidepost_value \"$verb $prev\")\n"
	"\tif [[ -n $value ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(_tidepost_words '' \"$value\")\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \\\n"
	"\t\t\t\"$(_tidepost_options \"$verb\")\" -- \"$cur\")\n"
	"\telse\n"
	"\t\tmapfile -t COMPREPLY < <(_tidepost_words \"${words[0]}\" \\\n"
	"\t\t\t\"$(_tidepost_behind \"$verb\")\")\n"
	"\tfi\n"
	"}\n"
	"complete -o filenames -F _tidepost tidepost\n";

static void
bash_case(const char *name, each_command *fn)
{
	printf("_tidepost_%s() {\n\tcase $1 in\n", name);
	for_each(fn);
	printf("\tesac\n}\n");
}

static void
print_bash(void)
{
	printf("%s_tidepost_first() {\n\techo \"", bash_head);
	for_each(bash_first);
	printf("\"\n}\n");
	bash_case("family", bash_family);
	bash_case("options", bash_options);
	bash_case("value", bash_values);
	bash_case("behind", bash_words);
	printf("\n%s", bash_tail);
}

/* --- zsh --- */

/* TEXT between single quotes, where [ ] and : mean something to zsh. */
static void
zsh_text(const char *text)
{
	for (; *text; text++)
		if (*text == '\'')
			printf("'\\''");
		else if (strchr("[]:\\", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
}

static void
zsh_first(const struct command *c)
{
	struct str word;

	if (!first_of_family(c, &word))
		return;
	printf("\t\t'%.*s:", STR_FMT(word));
	if (!is_family(word))
		zsh_text(c->help);
	printf("'\n");
}

static void
zsh_family(const struct command *command)
{
	struct str word, family, rest;

	if (!first_of_family(command, &word) || !is_family(word))
		return;
	printf("\t\t%.*s) seconds=(\n", STR_FMT(word));
	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++) {
			family = str_cut(str_of(c->name), ' ', &rest);
			if (!str_eq(family, word) || !rest.n)
				continue;
			printf("\t\t\t'%.*s:", STR_FMT(rest));
			zsh_text(c->help);
			printf("'\n");
		}
	printf("\t\t) ;;\n");
}

static bool
names_file(const char *what)
{
	return strstr(what, "FILE") != NULL;
}

static void
zsh_options(const struct command *c)
{
	printf("\t'%s') _arguments", c->name);
	for (const struct option *o = c->options; o && o->name; o++) {
		if (o->later)
			continue;
		printf(" \\\n\t\t'%s%s[", o->many ? "*" : "", o->name);
		zsh_text(o->help ? o->help : "");
		printf("]");
		if (o->value) {
			printf(":");
			zsh_text(o->value);
			printf(":%s", names_file(o->value) ? "_files" : "");
		}
		printf("'");
	}
	printf(" \\\n\t\t'--color=[when the output has colours]:when:"
	       "(" COLOUR_WHEN ")' \\\n\t\t'--help[what this verb does]'");
	if (c->words[0])
		printf(" \\\n\t\t'*: :%s'",
			names_file(c->words) ? "_files" : "_tidepost_names");
	printf(" ;;\n");
}

static void
print_zsh(void)
{
	printf("#compdef tidepost\n"
	       "# printed by tidepost help --completion zsh\n\n"
	       "_tidepost_names() {\n"
	       "\tcase $family in\n"
	       "\tlink|peer|user|customer)\n"
	       "\t\tlocal -a names\n"
	       "\t\tnames=(${(f)\"$(tidepost $conf $family list --json "
	       "2>/dev/null |\n"
	       "\t\t\tsed -n 's/^{\"name\":\"\\([^\"\\\\]*\\)\".*/\\1/p')\"})\n"
	       "\t\tcompadd -a names ;;\n"
	       "\tesac\n"
	       "}\n\n"
	       "_tidepost() {\n"
	       "\tlocal family verb\n"
	       "\tlocal -a firsts seconds conf\n"
	       "\tif [[ $words[2] == -c ]]; then\n"
	       "\t\tif (( CURRENT == 3 )); then\n"
	       "\t\t\t_files\n\t\t\treturn\n\t\tfi\n"
	       "\t\tconf=(-c $words[3])\n"
	       "\t\tshift 2 words\n\t\t(( CURRENT -= 2 ))\n"
	       "\tfi\n"
	       "\tif (( CURRENT == 2 )); then\n"
	       "\t\tfirsts=(\n");
	for_each(zsh_first);
	printf("\t\t)\n\t\t_describe verb firsts\n\t\treturn\n\tfi\n"
	       "\tfamily=$words[2] verb=$words[2]\n"
	       "\tcase $family in\n");
	for_each(zsh_family);
	printf("\tesac\n"
	       "\tif (( $#seconds )); then\n"
	       "\t\tif (( CURRENT == 3 )); then\n"
	       "\t\t\t_describe verb seconds\n\t\t\treturn\n\t\tfi\n"
	       "\t\tverb+=\" $words[3]\"\n"
	       "\t\tshift words\n\t\t(( CURRENT -= 1 ))\n"
	       "\tfi\n"
	       "\tshift words\n\t(( CURRENT -= 1 ))\n"
	       "\tcase $verb in\n");
	for_each(zsh_options);
	printf("\tesac\n}\n\n_tidepost \"$@\"\n");
}

int
completion_print(const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		print_bash();
	else if (strcmp(shell, "zsh") == 0)
		print_zsh();
	else
		return cli_refuse(ERR_USAGE,
			"--completion %s: there is one for bash and zsh",
			shell);
	return 0;
}
