#include "link/octets.h"

enum {
	MAIL_WORDS = sizeof("MAIL FROM:<>\r\n") - 1,
	RCPT_WORDS = sizeof("RCPT TO:<>\r\n") - 1,
	SIZE_WORDS = sizeof(" SIZE=") - 1,
	BODY_WORDS = sizeof(" BODY=8BITMIME") - 1,
	PRIORITY_WORDS = sizeof(" MT-PRIORITY=-5") - 1,
	RSET_WORDS = sizeof("RSET\r\n") - 1,
	BDAT_WORDS = sizeof("BDAT  LAST\r\n") - 1,
	DATA_WORDS = sizeof("DATA\r\n.\r\n") - 1,
};

static uint64_t
parts(uint64_t whole, uint64_t part)
{
	return (whole + part - 1) / part;
}

uint64_t
octets_wire(uint64_t text, bool tls)
{
	uint64_t segments;

	if (tls)
		text += parts(text, OCTETS_TLS_TEXT) * OCTETS_TLS_RECORD;
	segments = parts(text, OCTETS_SEGMENT_TEXT);
	return text +
	       (segments + parts(segments, OCTETS_ACK_EVERY)) * OCTETS_SEGMENT;
}

static uint64_t
digits(uint64_t n)
{
	uint64_t count = 1;

	while (n /= 10)
		count++;
	return count;
}

uint64_t
octets_mail_sent(const struct octets_mail *m)
{
	uint64_t n = MAIL_WORDS + m->sender +
		     (uint64_t)RCPT_WORDS * m->recipients_n + m->recipients +
		     m->size;

	n += m->reset ? RSET_WORDS : 0;
	n += m->has_size ? SIZE_WORDS + digits(m->size) : 0;
	n += m->has_body ? BODY_WORDS : 0;
	n += m->has_priority ? PRIORITY_WORDS : 0;
	n += m->chunking ? BDAT_WORDS + digits(m->size) : DATA_WORDS;
	return n;
}

uint64_t
octets_mail_received(const struct octets_mail *m)
{
	/* MAIL and each RCPT; RSET; DATA's 354 */
	uint64_t replies =
		1 + (uint64_t)m->recipients_n + m->reset + !m->chunking;

	return replies * OCTETS_REPLY + OCTETS_DONE_REPLY;
}
