/* What the words in quotes mean: sizes, durations, windows, pins, networks. */
#ifndef CONF_VALUES_H
#define CONF_VALUES_H

#include "base/str.h"

/* A value of the schema, in the smallest unit of its type. */
struct value {
	int64_t n; /* number, octets, milliseconds, priority, word, bool */
	double x;  /* of a float */
};

enum { VALUE_TEXT_MAX = 48, VALUE_PIN_SIZE = 32 };

/* "50M", "1536K": the largest unit that leaves no rest. */
void value_size_text(int64_t octets, char out_r[VALUE_TEXT_MAX]);
/* "90s", "5d", "1500ms" */
void value_duration_text(int64_t ms, char out_r[VALUE_TEXT_MAX]);

/* "sha256:" and 64 hexadecimal digits or the base64 of 32 octets. */
bool value_pin(struct str s, unsigned char pin_r[VALUE_PIN_SIZE]);
/* "06:00", in minutes after midnight; before 24:00. */
bool value_clock(struct str s, unsigned *minutes_r);
/* "06:00-06:20", "Mon-Fri 18:00-18:20", "Sat,Sun 00:00-24:00" */
bool value_window(struct str s);
/* "10.0.0.0/8", "::1/128", or one address; OPEN_R: it holds every address. */
bool value_network(struct str s, bool *open_r);
/* An IPv4 or IPv6 address as text, without brackets. */
bool value_address(struct str s);

#endif
