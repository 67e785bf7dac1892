/*
 * Customers as lines of text, for import and export; tidepost(1) has the form:
 *
 *	aurora domain=aurora.example.org,borealis.example quota=20M suspended
 *		recipient=captain@aurora.example.org
 *
 * A line that begins with a blank goes on with the customer before it.
 */
#ifndef CLI_CUSTOMER_FILE_H
#define CLI_CUSTOMER_FILE_H

#include "spool/import.h"

enum { CUSTOMER_FILE_MAX = 64 * 1048576 }; /* octets */

/*
 * All of TEXT into M: what cannot be read is among its complaints, each wrong
 * word by itself. A password becomes a verifier only where MAKE is true, since
 * that takes some milliseconds each.
 */
void customer_file_parse(struct str text, bool make, struct spool_import *m);

/* The lines of one customer; LIST: its recipients, '\n' between, or NULL. */
void customer_file_format(
	const struct spool_account *a, const char *list, struct buf *out);

#endif
