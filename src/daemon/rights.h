/*
 * What the daemon gives up beside the user it was started as: it gains no
 * rights by running something, keeps one capability (ports below 1024), leaves
 * no core behind, and is not looked into by others of its user.
 */
#ifndef DAEMON_RIGHTS_H
#define DAEMON_RIGHTS_H

#include "base/err.h"

#include <pwd.h>

enum { RIGHTS_UMASK = 027 };

/*
 * Before there are threads, behind the fork of the helper. PW: who to become;
 * NULL: it stays who it is.
 */
enum err_code rights_drop(const struct passwd *pw, struct err *e);
/*
 * In the helper: what it starts does not get the one capability that the
 * service manager gives for the daemon's ports. Others were meant for programs.
 */
void rights_keep_ports(void);

#endif
