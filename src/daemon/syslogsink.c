#include "daemon/syslogsink.h"

#include <syslog.h>

void
syslog_sink_open(void)
{
	openlog("tidepostd", LOG_PID, LOG_MAIL);
}

void
syslog_sink_write(int severity, const char *line)
{
	static const int priorities[] = {
		LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};

	syslog(priorities[severity], "%s", line);
}
