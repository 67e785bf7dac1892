/* The names of the extensions, declared in params.h. */
#include "wire/params.h"

static const struct {
	const char *name;
	enum ext bit;
} ext_table[] = {
	{"PIPELINING", EXT_PIPELINING},
	{"SIZE", EXT_SIZE},
	{"8BITMIME", EXT_8BITMIME},
	{"CHUNKING", EXT_CHUNKING},
	{"BINARYMIME", EXT_BINARYMIME},
	{"ENHANCEDSTATUSCODES", EXT_ENHANCEDSTATUSCODES},
	{"DSN", EXT_DSN},
	{"SMTPUTF8", EXT_SMTPUTF8},
	{"STARTTLS", EXT_STARTTLS},
	{"AUTH", EXT_AUTH},
	{"ATRN", EXT_ATRN},
	{"ETRN", EXT_ETRN},
	{"MT-PRIORITY", EXT_MT_PRIORITY},
	{"DELIVERBY", EXT_DELIVERBY},
	{"FUTURERELEASE", EXT_FUTURERELEASE},
	{"REQUIRETLS", EXT_REQUIRETLS},
	{"LIMITS", EXT_LIMITS},
	{"EXPN", EXT_EXPN},
};

enum { EXT_COUNT = sizeof(ext_table) / sizeof(ext_table[0]) };

unsigned
ext_by_name(struct str keyword)
{
	for (size_t i = 0; i < EXT_COUNT; i++)
		if (str_eq_nocase(keyword, str_of(ext_table[i].name)))
			return ext_table[i].bit;
	return 0;
}

const char *
ext_name(enum ext bit)
{
	for (size_t i = 0; i < EXT_COUNT; i++)
		if (ext_table[i].bit == bit)
			return ext_table[i].name;
	return "";
}
