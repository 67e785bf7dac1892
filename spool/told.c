/*
 * The time that a peer told, for while the system's clock is not trusted: kept
 * as clock_told() has it, and of use in the boot in which it was told.
 */
#include "spool/private.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_KEY "told-time"

enum { TOLD_TEXT_MAX = CLOCK_BOOT_MAX + 24 };

enum err_code
spool_told_put(struct spool_txn *t, int64_t offset_ms, struct err *e)
{
	char boot[CLOCK_BOOT_MAX], text[TOLD_TEXT_MAX];

	clock_boot(boot);
	snprintf(text, sizeof(text), "%s %" PRId64, boot, offset_ms);
	return spool_meta_put(t, TOLD_KEY, str_of(text), e);
}

enum err_code
told_get(struct spool_txn *t, int64_t *offset_ms_r, struct err *e)
{
	char boot[CLOCK_BOOT_MAX];
	struct buf text;
	struct str rest, of_boot;
	enum err_code rc;

	*offset_ms_r = 0;
	clock_boot(boot);
	buf_init(&text, 0);
	rc = spool_meta_get(t, TOLD_KEY, &text, e);
	buf_z(&text);
	of_boot = str_cut(buf_view(&text), ' ', &rest);
	if (rc == OK && rest.n && str_eq(of_boot, str_of(boot)))
		*offset_ms_r = strtoll(rest.p, NULL, 10);
	buf_free(&text);
	return rc == ERR_NOTFOUND ? OK : rc;
}
