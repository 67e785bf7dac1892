/* Who a process is, and becoming another one for good. */
#ifndef DAEMON_IDENTITY_H
#define DAEMON_IDENTITY_H

#include "base/err.h"

#include <pwd.h>

/*
 * Gives up all rights but those of PW's user, and cannot get them back. For who
 * is that user already, nothing changes.
 */
enum err_code identity_become(const struct passwd *pw, struct err *e);

#endif
