/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* patience - says who holds a lock that somebody waits for */
#include "control/patience.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"

#define PATIENCE_MS 1000
#define COMMAND_MAX 64

/* As the kernel has it: those that wait for a lock have an arrow in front, those
 * of a process that cannot be seen from here have no number. */
static int holder_of_line(const char *line, const struct stat *lock)
{
	unsigned int major, minor;
	unsigned long inode;
	int pid;

	if (sscanf(line, "%*[0-9]: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major,
		   &minor, &inode) != 4)
		return 0;
	if (inode != lock->st_ino || major != major(lock->st_dev) ||
	    minor != minor(lock->st_dev))
		return 0;
	return pid;
}

/* One of those that hold it; 0: nobody knows. */
static int holder_of(int lock)
{
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	char line[256];
	struct stat st;
	int pid = 0;

	if (!locks || fstat(lock, &st))
		return 0;
	while (pid <= 0 && fgets(line, sizeof(line), locks))
		pid = holder_of_line(line, &st);
	return pid > 0 ? pid : 0;
}

/* The words behind its name, as far as there is room for them. */
static void command_of(int pid, char ret[COMMAND_MAX])
{
	char path[64], words[COMMAND_MAX * 4] = "";
	const char *first;
	ssize_t len;
	int fd;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = read(fd, words, sizeof(words) - 1);
	close(fd);
	first = memchr(words, '\0', len > 0 ? (size_t)len : 0);
	if (!first || first + 1 >= words + len)
		return;
	for (char *c = words; c + 1 < words + len; c++)
		if (!*c)
			*c = ' ';
	snprintf(ret, COMMAND_MAX, "%s", first + 1);
}

static void tell(int lock)
{
	char command[COMMAND_MAX];
	int pid = holder_of(lock);

	if (!pid) {
		log_warn("bpfnet: waiting for another bpfnet");
		return;
	}
	command_of(pid, command);
	if (command[0])
		log_warn("bpfnet: waiting for another bpfnet (pid %d, '%s')",
			 pid, command);
	else
		log_warn("bpfnet: waiting for another bpfnet (pid %d)", pid);
}

static void *be_patient(void *arg)
{
	struct patience *patience = arg;
	struct pollfd stop = { .fd = patience->stop[0] };

	/* The other end is closed when the wait is over. */
	if (!poll(&stop, 1, PATIENCE_MS))
		tell(patience->lock);
	return NULL;
}

void patience_begin(struct patience *patience, int lock)
{
	sigset_t all, before;

	*patience = (struct patience){ .lock = lock };
	if (pipe2(patience->stop, O_CLOEXEC))
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	patience->runs =
		!pthread_create(&patience->thread, NULL, be_patient, patience);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (patience->runs)
		return;
	close(patience->stop[0]);
	close(patience->stop[1]);
}

void patience_end(struct patience *patience)
{
	if (!patience->runs)
		return;
	close(patience->stop[1]);
	pthread_join(patience->thread, NULL);
	close(patience->stop[0]);
}
