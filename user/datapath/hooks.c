/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hooks - what runs at a device, ours and others' */
#include "datapath/internal.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>

#include "lib/cleanup.h"

/* More than these at one hook are not looked at. */
#define HOOK_PROGRAMS_MAX 64

struct walk {
	const struct program_set *own;
	__u32 config; /* id of the instance's bn_config */
	int ifindex;
	bool egress;
	program_visitor visit;
	void *arg;
};

#define PROGRAM_MAPS_MAX 64

/* The kernel's name of a program, and whether it works with the map: then it is
 * ours, even if its pin is gone. */
static bool look_at(__u32 id, __u32 map, char ret_name[32])
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	__u32 ids[PROGRAM_MAPS_MAX] = { 0 }, len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = PROGRAM_MAPS_MAX,
				      .map_ids = (uintptr_t)ids };

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return false;
	if (info.name[0])
		snprintf(ret_name, 32, "%s", info.name);
	for (__u32 i = 0; i < info.nr_map_ids && i < PROGRAM_MAPS_MAX; i++)
		if (ids[i] == map)
			return true;
	return false;
}

static void tell(const struct walk *walk, const char *place, __u32 id,
		 const char *name)
{
	const struct program *own = id ? programs_find_id(walk->own, id) : NULL;
	struct device_program program = {
		.place = place,
		.egress = walk->egress,
		.id = id,
	};

	snprintf(program.name, sizeof(program.name), "%s", name);
	program.own = id && look_at(id, walk->config, program.name);
	if (own)
		snprintf(program.name, sizeof(program.name), "%s", own->name);
	program.own |= own != NULL;
	walk->visit(&program, walk->arg);
}

static void walk_xdp(const struct walk *walk)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (bpf_xdp_query(walk->ifindex, 0, &opts))
		return;
	if (opts.drv_prog_id)
		tell(walk, "xdp", opts.drv_prog_id, "?");
	if (opts.skb_prog_id)
		tell(walk, "xdp", opts.skb_prog_id, "?");
	if (opts.hw_prog_id)
		tell(walk, "xdp", opts.hw_prog_id, "?");
}

/* A kernel without tcx refuses the question: there is none. */
static void walk_tcx(const struct walk *walk)
{
	__u32 ids[HOOK_PROGRAMS_MAX], count = HOOK_PROGRAMS_MAX;
	int type = walk->egress ? TCX_EGRESS : TCX_INGRESS;

	if (bpf_prog_query(walk->ifindex, type, 0, NULL, ids, &count))
		return;
	for (__u32 i = 0; i < count; i++)
		tell(walk, "tcx", ids[i], "?");
}

static int on_bpf_option(const struct nlattr *attr, void *arg)
{
	__u32 *id = arg;

	if (mnl_attr_get_type(attr) == TCA_BPF_ID &&
	    !mnl_attr_validate(attr, MNL_TYPE_U32))
		*id = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

struct filter {
	char kind[32];
	__u32 id; /* of its program, 0: it has none */
	bool is_node; /* the filter itself, not just its chain */
};

static int on_filter_attr(const struct nlattr *attr, void *arg)
{
	struct filter *filter = arg;

	switch (mnl_attr_get_type(attr)) {
	case TCA_KIND:
		if (!mnl_attr_validate(attr, MNL_TYPE_STRING))
			snprintf(filter->kind, sizeof(filter->kind), "%s",
				 mnl_attr_get_str(attr));
		break;
	case TCA_OPTIONS:
		filter->is_node = true;
		mnl_attr_parse_nested(attr, on_bpf_option, &filter->id);
		break;
	}
	return MNL_CB_OK;
}

static int on_filter(const struct nlmsghdr *nlh, void *arg)
{
	const struct walk *walk = arg;
	struct filter filter = { .kind = "?" };

	if (nlh->nlmsg_type != RTM_NEWTFILTER)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(struct tcmsg), on_filter_attr, &filter);
	/* Only those of kind bpf number their programs there. */
	if (strcmp(filter.kind, "bpf") != 0)
		filter.id = 0;
	if (filter.is_node)
		tell(walk, "tc", filter.id, filter.kind);
	return MNL_CB_OK;
}

static int filters_each(struct mnl_socket *sock, struct walk *walk)
{
	__u32 minor = walk->egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS;
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(nlh, sizeof(*tc));
	ssize_t len;
	int ret;

	nlh->nlmsg_type = RTM_GETTFILTER;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = minor;
	tc->tcm_ifindex = walk->ifindex;
	tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT, minor);
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		if (len < 0)
			return -errno;
		ret = mnl_cb_run(buf, len, minor, 0, on_filter, walk);
	} while (ret > MNL_CB_STOP);
	/* No qdisc, no filters. */
	return 0;
}

static int walk_tc(struct walk *walk)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int ret;

	if (!sock)
		return -errno;
	ret = mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) ?
		      -errno :
		      filters_each(sock, walk);
	mnl_socket_close(sock);
	return ret;
}

int device_programs(const struct datapath *dp, int ifindex,
		    program_visitor visit, void *arg, struct err *err)
{
	struct program_set own;
	struct walk walk = {
		.own = &own, .ifindex = ifindex, .visit = visit, .arg = arg
	};
	struct bpf_map_info config;
	int ret = map_info(dp->maps[MAP_CONFIG], &config);

	if (ret)
		return err_set(err, ret, "read map '%s': %s",
			       map_name[MAP_CONFIG], strerror(-ret));
	walk.config = config.id;
	ret = programs_open(dp->root, PIN_PROGS, &own, err);
	if (ret)
		return ret;
	walk_xdp(&walk);
	for (int egress = 0; egress < 2 && !ret; egress++) {
		walk.egress = egress;
		walk_tcx(&walk);
		ret = walk_tc(&walk);
	}
	programs_close(&own);
	return ret ? err_set(err, ret, "list the filters of device %d: %s",
			     ifindex, strerror(-ret)) :
		     0;
}
