#include "net/listen.h"

#include "net/address.h"

void
net_peer_address(int fd, char text_r[NET_ADDRESS_MAX])
{
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof(ss);

	text_r[0] = '\0';
	if (getpeername(fd, (struct sockaddr *)&ss, &n) == 0)
		address_text(&ss, text_r);
}

void
net_local_address(int fd, char text_r[NET_ADDRESS_MAX])
{
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof(ss);

	text_r[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&ss, &n) == 0)
		address_text(&ss, text_r);
}
