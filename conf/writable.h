/*
 * Could somebody put another program in the place of one that runs with more
 * rights than theirs?
 */
#ifndef CONF_WRITABLE_H
#define CONF_WRITABLE_H

#include <pwd.h>

/*
 * PATH (absolute), what it leads to, or a folder on the way that WHO can
 * change. NULL: none. What stands in a folder with the sticky bit is only its
 * owner's to change. Given.
 */
char *writable_by(const char *path, const struct passwd *who);

#endif
