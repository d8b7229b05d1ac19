/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hooks - what runs at a device or a cgroup, as the kernel tells */
#include "hooks.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

int foreign_program(void)
{
	/* r0 = -1 (go on with the next program); exit */
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", insns,
			     2, NULL);
}

int foreign_xdp(void)
{
	/* r0 = XDP_PASS; exit */
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", insns, 2,
			     NULL);
}

__u32 id_of(int program)
{
	__u32 id = 0;

	assert_int_equal(program_id(program, &id), 0);
	return id;
}

__u32 tcx_programs(int ifindex, int type, __u32 ids[HOOK_PROGRAMS_MAX])
{
	__u32 count = HOOK_PROGRAMS_MAX;

	assert_int_equal(bpf_prog_query(ifindex, type, 0, NULL, ids, &count),
			 0);
	return count;
}

__u32 filter_program(int ifindex, enum bpf_tc_attach_point point,
		     __u32 priority, __u32 handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = priority, .handle = handle);

	return bpf_tc_query(&hook, &opts) ? 0 : opts.prog_id;
}

__u32 cgroup_programs(const char *path, enum bpf_attach_type type,
		      __u32 ids[HOOK_PROGRAMS_MAX])
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	__u32 count = HOOK_PROGRAMS_MAX;

	assert_true(fd >= 0);
	assert_int_equal(bpf_prog_query(fd, type, 0, NULL, ids, &count), 0);
	close(fd);
	return count;
}

bool cgroup_make(char ret[CGROUP_PATH_MAX])
{
	FILE *pipe = popen("findmnt -n -o TARGET -t cgroup2 | head -n 1", "re");
	char mount[128] = "", path[CGROUP_PATH_MAX];

	assert_non_null(pipe);
	if (!fgets(mount, sizeof(mount), pipe))
		mount[0] = '\0';
	pclose(pipe);
	mount[strcspn(mount, "\n")] = '\0';
	snprintf(path, sizeof(path), "%s/bntest_%d", mount, getpid());
	if (!mount[0] || mkdir(path, 0755) != 0)
		return false;
	memcpy(ret, path, sizeof(path));
	return true;
}
