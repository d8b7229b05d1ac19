/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* clock - runs one command and writes what it has cost */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"

static const char usage[] =
	"usage: clock run LOG PREFIX COMMAND [WORD]...\n"
	"       clock deny LOG PREFIX FROM-NETNS TO-NETNS TO-IP COMMAND [WORD]...\n"
	"Appends to LOG: PREFIX,wall ms,user ms,system ms,peak KiB,status,denied ms\n"
	"and ends as COMMAND does. With deny, datagrams of ever new flows go from one\n"
	"namespace (a path) to the other, and the last column says when the first of\n"
	"them was sent that nobody got: COMMAND is expected to forbid them.\n";

/* Each datagram is a flow of its own: the port tells them apart. */
#define PORT_TO 9
#define PORT_FIRST 20000
#define PROBES_MAX 40000
#define PROBES_BEFORE 50
#define PROBES_AFTER 100
#define PROBE_NS 200000

/* The two ends of the datagrams' way. */
struct probe {
	int from_netns;
	int receiver;
	struct sockaddr_in to;
	uint32_t sent;
	double sent_ms[PROBES_MAX];
	bool arrived[PROBES_MAX];
};

/* When and as whom the command runs. */
struct job {
	char **argv;
	int own_netns;
	pid_t pid;
	struct timespec start;
	double wall_ms;
	int status;
	struct rusage used;
};

static volatile sig_atomic_t child_pid;

/* Who ends the clock means the command, which shall not be left alone. */
static void signal_pass_on(int number)
{
	if (child_pid > 0)
		kill(child_pid, number);
}

static double elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - since->tv_sec) * 1e3 +
	       (double)(now.tv_nsec - since->tv_nsec) / 1e6;
}

static double timeval_ms(const struct timeval *tv)
{
	return (double)tv->tv_sec * 1e3 + (double)tv->tv_usec / 1e3;
}

static int job_start(struct job *job)
{
	clock_gettime(CLOCK_MONOTONIC, &job->start);
	job->pid = fork();
	if (job->pid < 0)
		return -errno;
	if (!job->pid) {
		if (job->own_netns >= 0 &&
		    setns(job->own_netns, CLONE_NEWNET) < 0)
			_exit(126);
		execvp(job->argv[0], job->argv);
		_exit(127);
	}
	child_pid = job->pid;
	return 0;
}

/* True once it has ended. */
static bool job_ended(struct job *job, int flags)
{
	pid_t pid;

	do {
		pid = wait4(job->pid, &job->status, flags, &job->used);
	} while (pid < 0 && errno == EINTR);
	if (!pid)
		return false;
	job->wall_ms = elapsed_ms(&job->start);
	child_pid = 0;
	return true;
}

static int job_exit_status(const struct job *job)
{
	if (WIFEXITED(job->status))
		return WEXITSTATUS(job->status);
	return 128 + WTERMSIG(job->status);
}

static int row_write(const char *log, const char *prefix, const struct job *job,
		     const char *denied)
{
	FILE *out = fopen(log, "a");

	if (!out) {
		fprintf(stderr, "clock: %s: %s\n", log, strerror(errno));
		return 1;
	}
	fprintf(out, "%s,%.3f,%.3f,%.3f,%ld,%d,%s\n", prefix, job->wall_ms,
		timeval_ms(&job->used.ru_utime),
		timeval_ms(&job->used.ru_stime), job->used.ru_maxrss,
		job_exit_status(job), denied);
	return fclose(out) ? 1 : job_exit_status(job);
}

static int cmd_run(const char *log, const char *prefix, char **argv)
{
	struct job job = { .argv = argv, .own_netns = -1 };

	if (job_start(&job)) {
		fprintf(stderr, "clock: fork: %s\n", strerror(errno));
		return 1;
	}
	job_ended(&job, 0);
	return row_write(log, prefix, &job, "");
}

/* ------------------------------------------------------------- the probes */

static int netns_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fprintf(stderr, "clock: %s: %s\n", path, strerror(errno));
	return fd;
}

/* Afterwards the process is where the datagrams come from. */
static int probe_open(struct probe *probe, const char *from, const char *to,
		      const char *ip)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_port = htons(PORT_TO) };
	_cleanup_close_ int to_netns = netns_open(to);

	probe->from_netns = netns_open(from);
	probe->to = here;
	if (to_netns < 0 || probe->from_netns < 0)
		return -ENOENT;
	if (inet_pton(AF_INET, ip, &probe->to.sin_addr) != 1 ||
	    setns(to_netns, CLONE_NEWNET) < 0)
		return -EINVAL;
	probe->receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (probe->receiver < 0 ||
	    bind(probe->receiver, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    setns(probe->from_netns, CLONE_NEWNET) < 0)
		return -errno;
	return 0;
}

static void probe_collect(struct probe *probe)
{
	uint32_t number;

	while (recv(probe->receiver, &number, sizeof(number), MSG_DONTWAIT) ==
	       sizeof(number))
		if (number < PROBES_MAX)
			probe->arrived[number] = true;
}

static int probe_send(struct probe *probe, const struct timespec *start)
{
	const struct timespec pause = { .tv_nsec = PROBE_NS };
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(PORT_FIRST + probe->sent)),
	};
	uint32_t number = probe->sent;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || number >= PROBES_MAX ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		return -EINVAL;
	probe->sent_ms[number] = elapsed_ms(start);
	if (sendto(fd, &number, sizeof(number), 0,
		   (struct sockaddr *)&probe->to, sizeof(probe->to)) < 0)
		return -errno;
	probe->sent++;
	nanosleep(&pause, NULL);
	probe_collect(probe);
	return 0;
}

static int probe_send_many(struct probe *probe, const struct timespec *start,
			   int count)
{
	int err = 0;

	while (count-- && !err)
		err = probe_send(probe, start);
	return err;
}

/*
 * The first that was lost, if nothing arrived after it: what comes and goes is
 * no policy.
 */
static int probe_first_denied(const struct probe *probe, double *ret_ms)
{
	uint32_t first = probe->sent, i;

	while (first && !probe->arrived[first - 1])
		first--;
	for (i = 0; i < first; i++)
		if (!probe->arrived[i])
			return -EIO;
	if (first == probe->sent)
		return -ENOENT;
	*ret_ms = probe->sent_ms[first];
	return 0;
}

static int cmd_deny(const char *log, const char *prefix, char **words)
{
	static struct probe probe;
	struct job job = { .argv = words + 3 };
	char text[32] = "";
	bool denied;
	int status;
	double ms;

	job.own_netns = netns_open("/proc/self/ns/net");
	if (job.own_netns < 0 ||
	    probe_open(&probe, words[0], words[1], words[2])) {
		fputs("clock: the namespaces cannot be used\n", stderr);
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &job.start);
	if (probe_send_many(&probe, &job.start, PROBES_BEFORE) ||
	    !probe.arrived[PROBES_BEFORE / 2]) {
		fputs("clock: no datagram arrives\n", stderr);
		return 1;
	}
	/* The first ones waited for the neighbour's address. */
	memset(probe.arrived, true, PROBES_BEFORE * sizeof(bool));
	if (job_start(&job))
		return 1;
	while (!job_ended(&job, WNOHANG))
		if (probe_send(&probe, &job.start))
			job_ended(&job, 0);
	denied = !probe_send_many(&probe, &job.start, PROBES_AFTER) &&
		 !probe_first_denied(&probe, &ms);
	if (denied)
		snprintf(text, sizeof(text), "%.3f", ms);
	else
		fputs("clock: not denied, or lost before\n", stderr);
	status = row_write(log, prefix, &job, text);
	return status || denied ? status : 1;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = signal_pass_on };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	if (argc >= 5 && !strcmp(argv[1], "run"))
		return cmd_run(argv[2], argv[3], argv + 4);
	if (argc >= 8 && !strcmp(argv[1], "deny"))
		return cmd_deny(argv[2], argv[3], argv + 4);
	fputs(usage, stderr);
	return 2;
}
