/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* probe - what the running kernel offers */
#include "datapath/internal.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* Newer than Debian 12's headers. */
#define NETKIT_PRIMARY 54 /* BPF_NETKIT_PRIMARY */

/* A program that does nothing, for links that are never made. */
static int program_make(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "bn_probe", "GPL", insns,
			     2, NULL);
}

/* No device has index 0, so nothing is attached: a kernel that knows this kind
 * of link misses the device, an older one does not know the type. */
static bool knows_link(int program, int attach_type)
{
	int fd = bpf_link_create(program, 0, attach_type, NULL);

	if (fd >= 0)
		close(fd);
	return fd == -ENODEV;
}

bool probe_tcx(int program)
{
	return knows_link(program, TCX_INGRESS);
}

static int link_probe(int attach_type)
{
	int program = program_make();
	bool known;

	if (program < 0)
		return program;
	known = knows_link(program, attach_type);
	close(program);
	return known;
}

static int map_probe(int type)
{
	return libbpf_probe_bpf_map_type(type, NULL);
}

static int program_probe(int type)
{
	return libbpf_probe_bpf_prog_type(type, NULL);
}

/* Helpers of syscall programs cannot be asked for, sched_cls has all of them,
 * too. libbpf takes a program that cannot be loaded at all for a yes. */
static int helper_probe(int helper)
{
	int rc = program_probe(BPF_PROG_TYPE_SCHED_CLS);

	if (rc <= 0)
		return rc;
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, helper, NULL);
}

static int btf_probe(int ignored)
{
	struct btf *btf = btf__new_empty();
	int rc;

	(void)ignored;
	if (!btf)
		return -ENOMEM;
	rc = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	rc = rc < 0 ? rc : btf__load_into_kernel(btf);
	btf__free(btf);
	return rc == -EINVAL || rc == -ENOSYS ? 0 : rc < 0 ? rc : 1;
}

static int bpffs_probe(int ignored)
{
	(void)ignored;
	return !pin_check_bpffs(NULL);
}

static int cgroup_probe(int ignored)
{
	(void)ignored;
	return sockets_have_cgroup();
}

static const struct probe {
	struct probe_info info;
	int (*ask)(int id); /* 1: there, 0: missing, else not known */
	int id;
} probes[] = {
	{ { "bpffs", "4.4", "keeps programs and maps without a process", true,
	    false },
	  bpffs_probe,
	  0 },
	{ { "cgroup2", "4.5", "the host's own processes reach published ports",
	    true, false },
	  cgroup_probe,
	  0 },
	{ { "tc-programs", "4.1", "everything that happens to packets", true,
	    true },
	  program_probe,
	  BPF_PROG_TYPE_SCHED_CLS },
	{ { "cgroup-sock-addr-programs", "4.17",
	    "the host's own processes reach published ports", true, true },
	  program_probe,
	  BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ { "syscall-programs", "5.14", "ends flows inside the kernel", true,
	    true },
	  program_probe,
	  BPF_PROG_TYPE_SYSCALL },
	{ { "lru-maps", "4.10", "flows that nobody answered", true, true },
	  map_probe,
	  BPF_MAP_TYPE_LRU_HASH },
	{ { "lpm-tries", "4.11", "subnets, prefixes of rules", true, true },
	  map_probe,
	  BPF_MAP_TYPE_LPM_TRIE },
	{ { "ringbuf", "5.8", "the log of rules", true, true },
	  map_probe,
	  BPF_MAP_TYPE_RINGBUF },
	{ { "bpf_fib_lookup", "4.18", "the host's routes", true, true },
	  helper_probe,
	  BPF_FUNC_fib_lookup },
	{ { "bpf_redirect_neigh", "5.10", "out of the uplink", true, true },
	  helper_probe,
	  BPF_FUNC_redirect_neigh },
	{ { "bpf_redirect_peer", "5.10", "straight into the container", true,
	    true },
	  helper_probe,
	  BPF_FUNC_redirect_peer },
	{ { "bpf_ktime_get_coarse_ns", "5.11", "the age of flows", true, true },
	  helper_probe,
	  BPF_FUNC_ktime_get_coarse_ns },
	{ { "bpf_for_each_map_elem", "5.13", "the search for idle flows", true,
	    true },
	  helper_probe,
	  BPF_FUNC_for_each_map_elem },
	{ { "bpf_loop", "5.17", "the choice of a free port, rules", true,
	    true },
	  helper_probe,
	  BPF_FUNC_loop },
	{ { "tcx", "6.6", "attaches to uplinks; else by clsact", false, true },
	  link_probe,
	  TCX_INGRESS },
	{ { "btf", "4.18", "bpftool shows what the maps hold", false, true },
	  btf_probe,
	  0 },
	{ { "netkit", "6.7", "not used: containers have veth devices", false,
	    true },
	  link_probe,
	  NETKIT_PRIMARY },
};

/* Without the right to use BPF at all, every probe would say no. */
static bool may_use_bpf(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "bn_probe", 4, 4, 1, NULL);

	if (fd < 0)
		return fd != -EPERM && fd != -EACCES;
	close(fd);
	return true;
}

/* An answer other than a plain no (not permitted, for instance) is not taken
 * for one. */
static enum probe_answer answer(const struct probe *probe, bool may)
{
	int rc = !probe->info.by_bpf || may ? probe->ask(probe->id) : -EPERM;

	if (rc < 0 && rc != -ENOSYS)
		return PROBE_UNKNOWN;
	return rc > 0 ? PROBE_YES : PROBE_NO;
}

void probe_each(void (*visit)(const struct probe_info *info,
			      enum probe_answer answer, void *arg),
		void *arg)
{
	bool may;

	diag_init();
	may = may_use_bpf();
	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
		visit(&probes[i].info, answer(&probes[i], may), arg);
}

const struct probe_info *probe_missing(void)
{
	bool may = may_use_bpf();

	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
		if (probes[i].info.needed &&
		    answer(&probes[i], may) == PROBE_NO)
			return &probes[i].info;
	return NULL;
}
