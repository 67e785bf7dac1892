#include "net/segments.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

struct segments
segments_of(int fd)
{
	struct segments s = {0};
	struct tcp_info info;
	socklen_t n = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return s;
	if (n >= offsetof(struct tcp_info, tcpi_segs_in) +
			 sizeof(info.tcpi_segs_in))
		s.count = (uint64_t)info.tcpi_segs_out + info.tcpi_segs_in;
	if (n >= offsetof(struct tcp_info, tcpi_bytes_retrans) +
			 sizeof(info.tcpi_bytes_retrans))
		s.again = info.tcpi_bytes_retrans;
	if (n >= offsetof(struct tcp_info, tcpi_bytes_received) +
			 sizeof(info.tcpi_bytes_received))
		s.received = info.tcpi_bytes_received;
	if (n >= offsetof(struct tcp_info, tcpi_min_rtt) +
				sizeof(info.tcpi_min_rtt) &&
		info.tcpi_min_rtt < UINT32_MAX)
		s.rtt_ms = (info.tcpi_min_rtt + 999) / 1000;
	return s;
}

void
segments_window(int fd, uint32_t octets)
{
	int n = octets < INT32_MAX ? (int)octets : INT32_MAX;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
	segments_clamp(fd, octets);
}

void
segments_clamp(int fd, uint32_t octets)
{
	int n = octets && octets < INT32_MAX ? (int)octets : INT32_MAX;

	setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &n, sizeof(n));
}
