/*
 * Time zones by name: the files of the system's time zone database, or rules.
 */
#ifndef CONF_TIMEZONE_H
#define CONF_TIMEZONE_H

#include "base/zone.h"

/*
 * NAME: "UTC", a zone of the database ("Europe/Oslo"), or rules
 * ("CET-1CEST,M3.5.0,M10.5.0/3"). ERR_NOTFOUND, ERR_INVALID, ERR_LIMIT, ERR_IO:
 * E says what is wrong with it. Clear *Z_R with zone_clear.
 */
enum err_code timezone_find(const char *name, struct zone *z_r, struct err *e);

#endif
