/*
 * Runs a program and reads what it prints, as a pager would.
 *
 *	page LINES PROGRAM [ARGUMENT...]
 *
 * Prints: ms until LINES lines had come (0: never), ms of the whole run, KB
 * of memory at the most (resident), lines, exit status.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
start(char **argv, pid_t *pid_r)
{
	int ends[2];

	if (pipe(ends))
		return -1;
	*pid_r = fork();
	if (*pid_r == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execv(argv[0], argv);
		fprintf(stderr, "page: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(ends[1]);
	return ends[0];
}

int
main(int argc, char **argv)
{
	static char octets[65536];
	double began = now_ms(), page = 0;
	size_t lines = 0, wanted = argc > 2 ? (size_t)atoi(argv[1]) : 0;
	struct rusage used;
	int fd, status;
	ssize_t n;
	pid_t pid;

	if (!wanted || (fd = start(argv + 2, &pid)) < 0) {
		fprintf(stderr, "usage: page LINES PROGRAM [ARGUMENT...]\n");
		return 64;
	}
	while ((n = read(fd, octets, sizeof(octets))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			lines += octets[i] == '\n';
		if (page == 0 && lines >= wanted)
			page = now_ms() - began;
	}
	if (wait4(pid, &status, 0, &used) != pid)
		return 1;
	printf("%.1f %.1f %ld %zu %d\n", page, now_ms() - began, used.ru_maxrss,
		lines, WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	return 0;
}
