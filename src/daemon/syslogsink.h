/* The log's way to syslog(3); apart, since <syslog.h> has our names. */
#ifndef DAEMON_SYSLOGSINK_H
#define DAEMON_SYSLOGSINK_H

void syslog_sink_open(void);
/* SEVERITY: 0 debug, 1 info, 2 warning, 3 error, as in base/log.h. */
void syslog_sink_write(int severity, const char *line);

#endif
