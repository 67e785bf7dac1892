/*
 * Could somebody put another program in the place of one that runs with more
 * rights than theirs, or other mail in the place of what was dropped?
 */
#ifndef CONF_WRITABLE_H
#define CONF_WRITABLE_H

#include <pwd.h>
#include <sys/stat.h>

/*
 * PATH (absolute), what it leads to, or a folder on the way that WHO can
 * change. NULL: none. What stands in a folder with the sticky bit is only its
 * owner's to change. Given.
 */
char *writable_by(const char *path, const struct passwd *who);
/*
 * Why nothing is taken from a drop directory that is as ST says, by a daemon
 * that is UID: who owns it can put mail there under names of other users'
 * files, and without the sticky bit anybody can. NULL: it is.
 */
const char *drop_directory_wrong(const struct stat *st, uid_t uid);

#endif
