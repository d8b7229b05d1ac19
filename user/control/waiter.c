/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* waiter - a process that rolls back what nobody confirms */
#include "control/waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "control/pending.h"
#include "control/state.h"
#include "lib/cleanup.h"

#define RETRY_SECONDS 1

/* --------------------------------------------------------------- waiting */

/* Becomes readable at the deadline, however long the machine sleeps. */
static int timer_make(__u64 deadline_ns)
{
	const struct itimerspec at = {
		.it_value = { .tv_sec = (time_t)(deadline_ns / 1000000000),
			      .tv_nsec = (long)(deadline_ns % 1000000000) },
	};
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);

	if (fd >= 0)
		timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL);
	return fd;
}

/* Becomes readable when a file comes or goes in the instance's directory. */
static int watch_make(const char *instance)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), STATE_ROOT "/%s", instance);
	if (fd >= 0)
		inotify_add_watch(fd, dir,
				  IN_DELETE | IN_MOVED_TO | IN_DELETE_SELF |
					  IN_ONLYDIR);
	return fd;
}

static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

/* True at the deadline, false when it is another one by now, or none. A watch
 * that cannot be made leaves the timer. */
static bool await_deadline(const char *instance, const struct pending *pending)
{
	_cleanup_close_ int timer = timer_make(pending->deadline_ns);
	_cleanup_close_ int watch = watch_make(instance);
	struct pollfd fds[] = { { .fd = timer, .events = POLLIN },
				{ .fd = watch, .events = POLLIN } };
	struct pending now;

	/* The watch came after the first look. */
	while (!pending_read(instance, &now, NULL) &&
	       now.deadline_ns == pending->deadline_ns) {
		if (pending_left(pending) <= 0)
			return true;
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return true;
		drain(watch);
	}
	return false;
}

/* To open it is to roll back what is overdue, see rollback.c. */
static void open_once(const struct instance *instance)
{
	struct control *control;
	struct err err;

	if (control_open(instance, CONTROL_WRITE, &control, &err)) {
		syslog(LOG_ERR, "instance %s: roll back: %s", instance->name,
		       err.text);
		return;
	}
	if (control_has_rolled_back(control))
		syslog(LOG_WARNING,
		       "instance %s: not confirmed in time, rolled back",
		       instance->name);
	control_close(control);
}

static void wait_and_roll_back(const struct instance *instance)
{
	const struct timespec pause = { .tv_sec = RETRY_SECONDS };
	struct pending pending, now;

	if (pending_read(instance->name, &pending, NULL) ||
	    !await_deadline(instance->name, &pending))
		return;
	/* Whoever holds the lock may hold it for long. */
	do {
		open_once(instance);
		if (pending_read(instance->name, &now, NULL) ||
		    now.deadline_ns != pending.deadline_ns ||
		    pending_is_hopeless(&now))
			return;
		nanosleep(&pause, NULL);
	} while (true);
}

/* --------------------------------------------------------------- process */

/* Nothing of the session: no terminal, no descriptor, no directory. */
static int detach(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || setsid() < 0 || chdir("/"))
		return -1;
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -1;
	if (keep > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, keep - 1, 0);
	close_range(keep + 1, UINT_MAX, 0);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

/* Never comes back. */
static void waiter_run(const struct instance *instance, int pipe)
{
	char byte;

	if (detach(pipe))
		_exit(1);
	prctl(PR_SET_NAME, "bpfnet-confirm");
	openlog("bpfnet", LOG_PID, LOG_DAEMON);
	/* Also the end of a command that died after it wrote what waits. */
	while (read(pipe, &byte, 1) < 0 && errno == EINTR)
		;
	close(pipe);
	wait_and_roll_back(instance);
	_exit(0);
}

/* Twice, so that nobody has to wait for its end. */
static int fork_away(const struct instance *instance, const int pipe[2])
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid) {
		close(pipe[1]);
		pid = fork();
		if (!pid)
			waiter_run(instance, pipe[0]);
		_exit(pid < 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EAGAIN;
}

int waiter_start(const struct instance *instance, int *ret_fd, struct err *err)
{
	int pipe[2], rc;

	/* What is buffered would be written twice. */
	fflush(NULL);
	if (pipe2(pipe, O_CLOEXEC))
		return err_set(err, -errno, "pipe: %s", strerror(errno));
	rc = fork_away(instance, pipe);
	close(pipe[0]);
	if (!rc) {
		*ret_fd = pipe[1];
		return 0;
	}
	close(pipe[1]);
	err_set(err, rc, "start a process that waits: %s", strerror(-rc));
	err_kind(err, EXIT_FAILED, "failed");
	return rc;
}

void waiter_go(int fd)
{
	const char byte = 1;

	/* Without it, the end of this process says the same. */
	while (write(fd, &byte, 1) < 0 && errno == EINTR)
		;
}
