/* Scripts for shells, from the command tables. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

/* To standard output, for SHELL ("bash", "zsh"). The exit status. */
int completion_print(const char *shell);

#endif
