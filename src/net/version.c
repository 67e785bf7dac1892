#include "net/version.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdio.h>

const char *
net_library(unsigned i)
{
	static char openssl[64], libevent[64];

	snprintf(openssl, sizeof(openssl), "openssl %s",
		OpenSSL_version(OPENSSL_FULL_VERSION_STRING));
	snprintf(
		libevent, sizeof(libevent), "libevent %s", event_get_version());
	return i == 0 ? openssl : i == 1 ? libevent : NULL;
}
