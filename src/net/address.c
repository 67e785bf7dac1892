#include "net/address.h"

#include "base/str.h"
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

unsigned
address_text(const struct sockaddr_storage *ss, char text_r[ADDRESS_TEXT_MAX])
{
	const struct sockaddr_in *v4 = (const void *)ss;
	const struct sockaddr_in6 *v6 = (const void *)ss;

	str_copyz(text_r, ADDRESS_TEXT_MAX, "local");
	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, text_r, ADDRESS_TEXT_MAX);
		return ntohs(v4->sin_port);
	}
	if (ss->ss_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, text_r,
			ADDRESS_TEXT_MAX);
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, text_r, ADDRESS_TEXT_MAX);
	return ntohs(v6->sin6_port);
}

bool
address_from_text(const char *text, unsigned port,
	struct sockaddr_storage *ss_r, socklen_t *len_r)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	char service[16];

	snprintf(service, sizeof(service), "%u", port);
	/* getaddrinfo takes "1" and "0x7f.1" for addresses; people do not. */
	if (!strchr(text, ':') &&
		inet_pton(AF_INET, text, &(struct in_addr){0}) != 1)
		return false;
	if (getaddrinfo(text, service, &hints, &found) != 0)
		return false;
	memcpy(ss_r, found->ai_addr, found->ai_addrlen);
	*len_r = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

bool
address_family_missing(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL ||
	       error == EPROTONOSUPPORT;
}

/* 16 octets for both families, IPv4 as ::ffff:a.b.c.d. */
static bool
parse_octets(struct str text, unsigned char out_r[16])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct str zone;
	char z[ADDRESS_TEXT_MAX];

	if (!str_copy(z, sizeof(z), str_cut(text, '%', &zone)))
		return false;
	if (inet_pton(AF_INET6, z, out_r) == 1)
		return true;
	memcpy(out_r, mapped, sizeof(mapped));
	return inet_pton(AF_INET, z, out_r + 12) == 1;
}

static bool
is_mapped(const unsigned char octets[16])
{
	return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)octets);
}

static bool
same_prefix(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	unsigned mask = (0xffu << (8 - rest)) & 0xffu;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] & mask) == (b[whole] & mask);
}

bool
net_in_network(const char *address, const char *cidr)
{
	struct str prefix, net = str_cut(str_of(cidr), '/', &prefix);
	unsigned char a[16], n[16];
	bool v4_text = !memchr(net.p, ':', net.n);
	uint64_t bits = v4_text ? 32 : 128;

	if (!parse_octets(str_of(address), a) || !parse_octets(net, n))
		return false;
	if (strchr(cidr, '/') &&
		(!str_u64(prefix, &bits) || bits > (v4_text ? 32u : 128u)))
		return false;
	if (v4_text)
		bits += 96;
	/* ::/0 is all of IPv6, and IPv4 is no part of it. */
	if (is_mapped(a) && (!is_mapped(n) || bits < 96))
		return false;
	return same_prefix(a, n, (unsigned)bits);
}
