#include "wire/verifier.h"

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char scheme[] = "SCRAM-SHA-256$";

enum {
	BASE64_KEY = 44,       /* octets of 32, in base64 */
	ITERATIONS_DIGITS = 7, /* what a text may ask for */
	ITERATIONS_MAX = 10 * 1000 * 1000 - 1,
};

static void
add_base64(char *out, const unsigned char *octets, size_t n)
{
	char *text = NULL;
	size_t length;

	if (gsasl_base64_to((const char *)octets, n, &text, &length) !=
		GSASL_OK)
		abort(); /* out of memory */
	strcat(out, text);
	gsasl_free(text);
}

void
verifier_format(const struct verifier *v, char out[VERIFIER_TEXT_MAX])
{
	snprintf(out, VERIFIER_TEXT_MAX, "%s%u:", scheme, v->iterations);
	add_base64(out, v->salt, sizeof(v->salt));
	strcat(out, "$");
	add_base64(out, v->stored_key, sizeof(v->stored_key));
	strcat(out, ":");
	add_base64(out, v->server_key, sizeof(v->server_key));
}

static bool
take_base64(struct str text, unsigned char *out, size_t n)
{
	char *octets = NULL;
	size_t got = 0;
	bool good = false;

	if (text.n == 0 || text.n > BASE64_KEY)
		return false;
	if (gsasl_base64_from(text.p, text.n, &octets, &got) == GSASL_OK)
		good = got == n;
	if (good)
		memcpy(out, octets, n);
	gsasl_free(octets);
	return good;
}

bool
verifier_parse(struct str text, struct verifier *verifier_r)
{
	struct str s = text, salt, stored, server, iterations;
	struct verifier v = {0};
	uint64_t n;

	if (!str_starts_nocase(s, str_of(scheme)))
		return false;
	s = str_skip(s, sizeof(scheme) - 1);
	iterations = str_cut(s, ':', &s);
	salt = str_cut(s, '$', &s);
	stored = str_cut(s, ':', &server);
	if (iterations.n > ITERATIONS_DIGITS || !str_u64(iterations, &n) ||
		n < SASL_ITERATIONS || n > ITERATIONS_MAX)
		return false;
	v.iterations = (unsigned)n;
	if (!take_base64(salt, v.salt, sizeof(v.salt)) ||
		!take_base64(stored, v.stored_key, sizeof(v.stored_key)) ||
		!take_base64(server, v.server_key, sizeof(v.server_key)))
		return false;
	*verifier_r = v;
	return true;
}
