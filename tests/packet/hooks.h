/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hooks - what runs at a device or a cgroup, as the kernel tells */
#ifndef BPFNET_TESTS_HOOKS_H
#define BPFNET_TESTS_HOOKS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/internal.h"

#define OUR_PRIORITY 0xbf
#define OUR_HANDLE 0xb9f
#define HOOK_PROGRAMS_MAX 8
#define CGROUP_PATH_MAX 256

/* A new tc program that is not bpfnet's and lets everything pass; its fd. */
int foreign_program(void);
/* The same for XDP. */
int foreign_xdp(void);
__u32 id_of(int program);

/* Programs of one direction, by tcx; how many. */
__u32 tcx_programs(int ifindex, int type, __u32 ids[HOOK_PROGRAMS_MAX]);
/* Program of one filter, 0: none. */
__u32 filter_program(int ifindex, enum bpf_tc_attach_point point,
		     __u32 priority, __u32 handle);
__u32 cgroup_programs(const char *path, enum bpf_attach_type type,
		      __u32 ids[HOOK_PROGRAMS_MAX]);

/* A cgroup for this process's test; false where there is no cgroup2. */
bool cgroup_make(char ret[CGROUP_PATH_MAX]);

#endif
