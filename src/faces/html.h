/* What a person would read of HTML, roughly: its text without its tags. */
#ifndef FACES_HTML_H
#define FACES_HTML_H

#include "base/buf.h"

void html_text(struct str html, struct buf *out);

#endif
