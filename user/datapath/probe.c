/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* probe - what the running kernel offers */
#include "datapath/internal.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum probe_kind { PROBE_MAP, PROBE_PROGRAM, PROBE_HELPER };

/* Asked only after the programs failed to load, to say why. Helpers of syscall
 * programs cannot be asked for, sched_cls has all of them, too. */
static const struct probe {
	enum probe_kind kind;
	int id;
	const char *text;
} probes[] = {
	{ PROBE_MAP, BPF_MAP_TYPE_LPM_TRIE, "LPM tries (since 4.11)" },
	{ PROBE_MAP, BPF_MAP_TYPE_LRU_HASH, "LRU maps (since 4.10)" },
	{ PROBE_PROGRAM, BPF_PROG_TYPE_SCHED_CLS, "tc programs (since 4.1)" },
	{ PROBE_PROGRAM, BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
	  "cgroup socket address programs (since 4.17)" },
	{ PROBE_PROGRAM, BPF_PROG_TYPE_SYSCALL,
	  "syscall programs (since 5.14)" },
	{ PROBE_HELPER, BPF_FUNC_fib_lookup, "bpf_fib_lookup (since 4.18)" },
	{ PROBE_HELPER, BPF_FUNC_redirect_neigh,
	  "bpf_redirect_neigh (since 5.10)" },
	{ PROBE_HELPER, BPF_FUNC_redirect_peer,
	  "bpf_redirect_peer (since 5.10)" },
	{ PROBE_HELPER, BPF_FUNC_ktime_get_coarse_ns,
	  "bpf_ktime_get_coarse_ns (since 5.11)" },
	{ PROBE_HELPER, BPF_FUNC_for_each_map_elem,
	  "bpf_for_each_map_elem (since 5.13)" },
	{ PROBE_HELPER, BPF_FUNC_loop, "bpf_loop (since 5.17)" },
};

/* An answer other than a plain no (not permitted, for instance) is not taken
 * for one. */
static bool is_missing(const struct probe *probe)
{
	switch (probe->kind) {
	case PROBE_MAP:
		return libbpf_probe_bpf_map_type(probe->id, NULL) == 0;
	case PROBE_PROGRAM:
		return libbpf_probe_bpf_prog_type(probe->id, NULL) == 0;
	case PROBE_HELPER:
		return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS,
					       probe->id, NULL) == 0;
	}
	return false;
}

/* Without the right to use BPF at all, every probe would say no. */
static bool may_use_bpf(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "bn_probe", 4, 4, 1, NULL);

	if (fd < 0)
		return fd != -EPERM && fd != -EACCES;
	close(fd);
	return true;
}

const char *probe_missing(void)
{
	if (!may_use_bpf())
		return NULL;
	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
		if (is_missing(&probes[i]))
			return probes[i].text;
	return NULL;
}

bool probe_tcx(int program)
{
	/* No device has index 0, so nothing is attached: a kernel that knows
	 * tcx misses the device, an older one does not know the type. */
	int fd = bpf_link_create(program, 0, TCX_INGRESS, NULL);

	if (fd >= 0)
		close(fd);
	return fd == -ENODEV;
}
