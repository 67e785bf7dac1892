/*
 * The words of RFC 5321 4.1.2 and 4.1.3, as strict recognisers.
 * Each parser takes the longest match from the front of *IN and moves *IN
 * behind it; on false *IN is unchanged.
 */
#ifndef WIRE_GRAMMAR_H
#define WIRE_GRAMMAR_H

#include "base/str.h"
#include "wire/limits.h"

/* sub-domain *("." sub-domain); letters, digits, hyphen. UTF8: U-labels too. */
bool grammar_domain(struct str *in, bool utf8, struct str *domain_r);
/* "[" IPv4 / "IPv6:" ... / General-address-literal "]" */
bool grammar_address_literal(struct str *in, struct str *literal_r);
/* Dot-string or Quoted-string, as written. */
bool grammar_local_part(struct str *in, bool utf8, struct str *local_r);
/* esmtp-keyword of 5321 4.1.2 */
bool grammar_keyword(struct str *in, struct str *keyword_r);
/* esmtp-value: any octet but "=", SP, controls (UTF-8 where UTF8) */
bool grammar_value(struct str *in, bool utf8, struct str *value_r);

/* The whole of S is a domain name, an address literal, ... */
bool grammar_is_domain(struct str s, bool utf8);
bool grammar_is_address_literal(struct str s);
/* Well-formed UTF-8 (RFC 3629), no overlong forms, no surrogates. */
bool grammar_is_utf8(struct str s);
bool grammar_is_ascii(struct str s);
/* Octets of the well-formed UTF-8 character at the front of S; 0: none. */
size_t grammar_utf8_octets(struct str s);

#endif
