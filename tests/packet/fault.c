/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fault - a function run in a child whose system calls fail, or kill it */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Of operations that are alike so many, and then each one that comes so far
 * behind the last; of the elements of a map, SERIES_STEP. */
#define ALIKE_ALL 2
#define ALIKE_STEP 16
#define SERIES_STEP 256
#define SEEN 8192

/* The child's second thread, which is not under the filter. */
struct warden {
	struct fault fault;
	struct outcome *outcome; /* shared with the parent */
	int listener;
	sem_t ready;
	struct seccomp_data before; /* the last call */
	__u64 last; /* what the last one did that changed something */
	unsigned int seen[SEEN]; /* by hash, how often: see is_sample */
};

/* -------------------------------------------------------------- the filter */

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##action)
#define ALLOW(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), ANSWER(ALLOW)

/*
 * Nobody is asked about memory, time, signals and descriptors, about questions
 * that a path is put to, about locks, which fail when memory does, and about the
 * end; nor about what is written to the terminal. All else is an operation.
 */
static struct sock_filter filter[] = {
	LOAD(nr),
	ALLOW(brk),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(mprotect),
	ALLOW(madvise),
	ALLOW(close),
	ALLOW(dup),
	ALLOW(fcntl),
	ALLOW(flock),
	ALLOW(lseek),
	ALLOW(fstat),
	ALLOW(newfstatat),
#ifdef SYS_access
	ALLOW(access),
#endif
	ALLOW(faccessat),
	ALLOW(getpid),
	ALLOW(gettid),
	ALLOW(geteuid),
	ALLOW(prlimit64),
	ALLOW(futex),
	ALLOW(rseq),
	ALLOW(set_robust_list),
	ALLOW(rt_sigaction),
	ALLOW(rt_sigprocmask),
	ALLOW(rt_sigreturn),
	ALLOW(tgkill),
	ALLOW(nanosleep),
	ALLOW(clock_nanosleep),
	ALLOW(clock_gettime),
	ALLOW(exit),
	ALLOW(exit_group),
	/* Memory of the process alone. */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4),
	LOAD(args[3]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 0, 1),
	ANSWER(ALLOW),
	ANSWER(USER_NOTIF),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
	LOAD(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, STDERR_FILENO, 1, 0),
	ANSWER(ALLOW),
	ANSWER(USER_NOTIF),
};

/* ------------------------------------------------------------- operations */

static const struct {
	int nr;
	const char *name;
	int path; /* which argument is one, -1: none */
	bool changes;
} calls[] = {
	{ SYS_openat, "openat", 1, false },
	{ SYS_mkdirat, "mkdirat", 1, true },
	{ SYS_unlinkat, "unlinkat", 1, true },
	{ SYS_renameat, "renameat", 1, true },
	{ SYS_renameat2, "renameat2", 1, true },
#ifdef SYS_open
	{ SYS_open, "open", 0, false },
	{ SYS_mkdir, "mkdir", 0, true },
	{ SYS_rmdir, "rmdir", 0, true },
	{ SYS_unlink, "unlink", 0, true },
	{ SYS_rename, "rename", 0, true },
	{ SYS_readlink, "readlink", 0, false },
#endif
	{ SYS_write, "write", -1, true },
	{ SYS_mount, "mount", 1, true },
	{ SYS_umount2, "umount2", 0, true },
	{ SYS_sendto, "sendto", -1, false },
	{ SYS_bpf, "bpf", -1, false },
	{ SYS_recvmsg, "recvmsg", -1, false },
	{ SYS_recvfrom, "recvfrom", -1, false },
	{ SYS_read, "read", -1, false },
	{ SYS_fsync, "fsync", -1, false },
	{ SYS_ioctl, "ioctl", -1, false },
	{ SYS_setns, "setns", -1, false },
	{ SYS_unshare, "unshare", -1, false },
	{ SYS_socket, "socket", -1, false },
	{ SYS_flock, "flock", -1, false },
};
#define CALLS (sizeof(calls) / sizeof(*calls))

static const char *call_path(const struct seccomp_data *data, size_t call)
{
	return (const char *)(uintptr_t)data->args[calls[call].path];
}

static bool bpf_changes(__u64 command)
{
	return command == BPF_MAP_UPDATE_ELEM ||
	       command == BPF_MAP_DELETE_ELEM || command == BPF_OBJ_PIN ||
	       command == BPF_LINK_CREATE || command == BPF_LINK_UPDATE ||
	       command == BPF_LINK_DETACH || command == BPF_PROG_TEST_RUN;
}

static void bpf_attr_get(const __u64 *args, union bpf_attr *ret)
{
	memcpy(ret, (const void *)(uintptr_t)args[1],
	       args[2] < sizeof(*ret) ? args[2] : sizeof(*ret));
}

static const char *bpf_path(__u64 command, const union bpf_attr *attr)
{
	if (command != BPF_OBJ_GET && command != BPF_OBJ_PIN)
		return NULL;
	return (const char *)(uintptr_t)attr->pathname;
}

static __u16 netlink_type(const struct seccomp_data *data)
{
	struct nlmsghdr header;

	memcpy(&header, (const void *)(uintptr_t)data->args[1], sizeof(header));
	return header.nlmsg_type;
}

/* Does it change something that is there when the process is gone? */
static bool call_changes(const struct seccomp_data *data)
{
	const __u64 *args = data->args;

	/* Of each kind of object, rtnetlink has NEW, DEL, GET and SET. */
	if (data->nr == SYS_sendto)
		return netlink_type(data) % 4 != 2;
	if (data->nr == SYS_bpf)
		return bpf_changes(args[0]);
	if (data->nr == SYS_openat)
		return args[2] & O_CREAT;
#ifdef SYS_open
	if (data->nr == SYS_open)
		return args[1] & O_CREAT;
#endif
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].nr == data->nr)
			return calls[i].changes &&
			       !(strstr(calls[i].name, "mkdir") &&
				 access(call_path(data, i), F_OK) == 0);
	return false;
}

/* A queueing discipline, a filter, or the mark of one that was made. */
static bool is_of_clsact(const struct seccomp_data *data)
{
	if (data->nr == SYS_sendto) {
		__u16 type = netlink_type(data);

		return type == RTM_NEWQDISC || type == RTM_DELQDISC ||
		       type == RTM_NEWTFILTER || type == RTM_DELTFILTER;
	}
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].nr == data->nr && calls[i].changes &&
		    calls[i].path >= 0)
			return strstr(call_path(data, i), "/clsact_");
	return false;
}

/* ---------------------------------------------------------------- samples */

static __u64 mix(__u64 hash, __u64 more)
{
	return (hash ^ more) * 0x100000001b3ull;
}

/* Numbers and the last part of a path, which mostly is an object's name, tell
 * nothing. */
static __u64 mix_path(__u64 hash, const char *path)
{
	const char *end = strrchr(path, '/');

	for (; path < end; path++)
		if (*path < '0' || *path > '9')
			hash = mix(hash, (unsigned char)*path);
	return hash;
}

static bool is_element(const struct seccomp_data *data)
{
	return data->nr == SYS_bpf && (data->args[0] == BPF_MAP_UPDATE_ELEM ||
				       data->args[0] == BPF_MAP_DELETE_ELEM ||
				       data->args[0] == BPF_MAP_LOOKUP_ELEM ||
				       data->args[0] == BPF_MAP_GET_NEXT_KEY);
}

/* The same for operations that do the same to something of the same kind. */
static __u64 call_hash(const struct seccomp_data *data)
{
	__u64 hash = mix(0xcbf29ce484222325ull, data->nr);
	union bpf_attr attr = { 0 };

	if (data->nr == SYS_sendto)
		return mix(hash, netlink_type(data));
	if (data->nr == SYS_bpf) {
		bpf_attr_get(data->args, &attr);
		hash = mix(hash, data->args[0]);
		if (is_element(data))
			return mix(hash, attr.map_fd);
		if (bpf_path(data->args[0], &attr))
			return mix_path(hash, bpf_path(data->args[0], &attr));
	}
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].nr == data->nr && calls[i].path >= 0)
			return mix_path(hash, call_path(data, i));
	return hash;
}

/* Is it one of those that count, of those that are alike? */
static bool is_sample(struct warden *warden, const struct seccomp_data *data)
{
	__u64 hash = call_hash(data), pair = mix(hash, warden->last);
	unsigned int *seen = &warden->seen[pair % SEEN];

	/* However many elements there are, the next call comes after one. */
	warden->last = hash;
	(*seen)++;
	if (is_element(data) && *seen > ALIKE_ALL)
		return *seen % SERIES_STEP == 0;
	return warden->fault.which == FAULT_OF_CHANGES || *seen <= ALIKE_ALL ||
	       *seen % ALIKE_STEP == 0;
}

/* ---------------------------------------------------------------- programs */

/*
 * What a program does has no part in who takes it away again, but the verifier
 * reads a second long what a load brings. So it gets something short to read:
 * this thread has the memory that the call's arguments are in.
 */
static void program_shorten(const struct seccomp_data *data)
{
	/* 1 is what sockets take for "go on", and 0 is all others' success. */
	static const struct bpf_insn nothing[][2] = {
		{ { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 0 },
		  { .code = BPF_JMP | BPF_EXIT } },
		{ { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		  { .code = BPF_JMP | BPF_EXIT } },
	};
	union bpf_attr *attr = (void *)(uintptr_t)data->args[1];

	if (data->nr != SYS_bpf || data->args[0] != BPF_PROG_LOAD)
		return;
	attr->insns = (__u64)(uintptr_t)
		nothing[attr->prog_type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR];
	attr->insn_cnt = 2;
	attr->func_info_cnt = 0;
	attr->line_info_cnt = 0;
}

static void bpf_print(const __u64 *args, char *buf, size_t len)
{
	union bpf_attr attr = { 0 };
	const char *path;

	bpf_attr_get(args, &attr);
	path = bpf_path(args[0], &attr);
	snprintf(buf, len, "bpf, command %llu %s", args[0], path ? path : "");
}

static void call_print(const struct seccomp_data *data, char *buf, size_t len)
{
	for (size_t i = 0; i < CALLS; i++) {
		if (calls[i].nr != data->nr)
			continue;
		if (calls[i].path >= 0)
			snprintf(buf, len, "%s %s", calls[i].name,
				 call_path(data, i));
		else if (data->nr == SYS_bpf)
			bpf_print(data->args, buf, len);
		else if (data->nr == SYS_sendto)
			snprintf(buf, len, "sendto, message type %u",
				 netlink_type(data));
		else
			snprintf(buf, len, "%s %llu", calls[i].name,
				 data->args[0]);
		return;
	}
	snprintf(buf, len, "system call %d", data->nr);
}

/* --------------------------------------------------------------- the child */

/* A write to /proc/sys that finds the kernel busy begins anew: the same once
 * more, where a file would be opened first. */
static bool is_again(struct warden *warden, const struct seccomp_data *data)
{
	bool again = data->nr == SYS_write &&
		     !memcmp(data, &warden->before, sizeof(*data));

	warden->before = *data;
	return again;
}

static bool call_counts(struct warden *warden, const struct seccomp_data *data)
{
	if (is_again(warden, data))
		return false;
	switch (warden->fault.which) {
	case FAULT_OF_ALL:
		return true;
	case FAULT_OF_HOOKS:
		return is_of_clsact(data) && is_sample(warden, data);
	default:
		return call_changes(data) && is_sample(warden, data);
	}
}

static void answer(struct warden *warden, const struct seccomp_notif *call)
{
	struct seccomp_notif_resp reply = {
		.id = call->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE
	};
	const struct fault *fault = &warden->fault;
	struct outcome *outcome = warden->outcome;
	bool counts = call_counts(warden, &call->data);

	if (fault->short_programs)
		program_shorten(&call->data);
	if (counts)
		outcome->count++;
	if (counts && outcome->count == fault->at) {
		outcome->hit = true;
		call_print(&call->data, outcome->what, sizeof(outcome->what));
	}
	if (counts && fault->kind == FAULT_KILL && outcome->hit)
		kill(getpid(), SIGKILL);
	if (counts && fault->kind == FAULT_FAIL &&
	    outcome->count == fault->at) {
		reply.flags = 0;
		reply.error = -EIO;
	}
	ioctl(warden->listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

static void *watch(void *arg)
{
	struct warden *warden = arg;
	struct seccomp_notif call;

	while (sem_wait(&warden->ready))
		continue;
	for (;;) {
		memset(&call, 0, sizeof(call));
		if (!ioctl(warden->listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
			answer(warden, &call);
		else if (errno != EINTR && errno != ENOENT)
			return NULL;
	}
}

static void child(const struct fault *fault,
		  int (*fn)(void *arg, struct err *err), void *arg,
		  struct outcome *outcome)
{
	const struct sock_fprog program = { sizeof(filter) / sizeof(*filter),
					    filter };
	struct warden warden = { .fault = *fault, .outcome = outcome };
	pthread_t thread;

	if (sem_init(&warden.ready, 0, 0) ||
	    pthread_create(&thread, NULL, watch, &warden))
		_exit(1);
	warden.listener =
		(int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			     SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (warden.listener < 0)
		_exit(1);
	sem_post(&warden.ready);
	outcome->status = fn(arg, &outcome->err);
	_exit(0);
}

void fault_run(const struct fault *fault, int (*fn)(void *arg, struct err *err),
	       void *arg, struct outcome *ret)
{
	struct outcome *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	assert_ptr_not_equal(shared, MAP_FAILED);
	fflush(NULL);
	pid = fork();
	if (!pid)
		child(fault, fn, arg, shared);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*ret = *shared;
	munmap(shared, sizeof(*shared));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && ret->hit)
		ret->status = -EINTR;
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("the child ended with status %#x at operation %u (%s)",
			 status, ret->count, ret->what);
}
