/* What this program is, and its help. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

/* Both print to standard output and give the exit status 0. */
int version_print(void);
/* Help for the verb that WORDS spell; N 0: the list of all verbs. */
int help_print(const char *const *words, int n);

#endif
