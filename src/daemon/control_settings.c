/* Settings of users and customers, as a request over the control socket says
 * them: nothing that comes from there is taken unchecked. */
#include "daemon/control_private.h"

#include <string.h>

/* A number from LEAST to MOST; "" is 0. */
static enum err_code
number(const char *key, const char *value, int64_t least, int64_t most,
	int64_t *v_r, struct err *e)
{
	struct str digits = str_of(value);
	bool minus = value[0] == '-';
	uint64_t v = 0;

	*v_r = 0;
	if (value[0] == '\0')
		return OK;
	if (minus)
		digits = str_skip(digits, 1);
	if (str_u64(digits, &v) && v <= INT64_MAX) {
		*v_r = minus ? -(int64_t)v : (int64_t)v;
		if (*v_r >= least && *v_r <= most)
			return OK;
	}
	return err_set(e, ERR_INVALID, "%s=%.40s: not a number from %lld", key,
		value, (long long)least);
}

static enum err_code
take_number(struct spool_settings *s, const char *key, const char *value,
	struct err *e)
{
	enum err_code rc = OK;
	int64_t v = 0;

	if (strcmp(key, KEY_QUOTA) == 0) {
		rc = number(key, value, 0, INT64_MAX, &v, e);
		s->has_quota = true;
		s->quota = (uint64_t)v;
	} else if (strcmp(key, KEY_MAX_SIZE) == 0) {
		rc = number(key, value, 0, INT64_MAX, &v, e);
		s->has_max_size = true;
		s->max_size = (uint64_t)v;
	} else if (strcmp(key, KEY_LIFETIME) == 0) {
		rc = number(key, value, 0, INT64_MAX / 1000, &v, e);
		s->has_lifetime = true;
		s->lifetime_s = v;
	} else if (strcmp(key, KEY_MAX_PRIORITY) == 0) {
		rc = number(key, value, -9, 9, &v, e);
		s->has_max_priority = true;
		s->max_priority = (int)v;
	} else if (strcmp(key, KEY_SUSPENDED) == 0) {
		rc = number(key, value, 0, 1, &v, e);
		s->has_suspended = true;
		s->suspended = v != 0;
	}
	return rc;
}

enum err_code
control_settings_take(
	struct spool_settings *s, const struct record *r, struct err *e)
{
	enum err_code rc = OK;
	enum spool_setting which;
	const char *key, *value;

	for (size_t i = 0; rc == OK && record_at(r, i, &key, &value); i++) {
		if (!spool_setting_parse(str_of(key), &which)) {
			rc = take_number(s, key, value, e);
			continue;
		}
		rc = spool_settings_take(s, which, str_of(value), e);
		if (rc != OK)
			err_wrap(e, rc, "%s", key);
	}
	return rc;
}

enum err_code
control_settings_domains(
	const struct conf *conf, const struct spool_settings *s, struct err *e)
{
	struct str rest = str_of(s->text[SETTING_DOMAIN]);

	while (rest.n) {
		struct str domain = str_cut(rest, '\n', &rest);

		if (conf_is_local(conf, domain))
			return err_set(e, ERR_EXISTS,
				"domain %.*s is one of local.domains, where "
				"mail ends here: a customer cannot have it as "
				"well",
				STR_FMT(domain));
	}
	return OK;
}
