/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* clsact - hooks held by tc filters with our own priority and handle */
#include "datapath/internal.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>

#include "lib/cleanup.h"

static struct bpf_tc_hook tc_hook(int ifindex, bool egress)
{
	struct bpf_tc_hook hook;

	/* libbpf insists on zeros in the padding, too. */
	memset(&hook, 0, sizeof(hook));
	hook.sz = sizeof(hook);
	hook.ifindex = ifindex;
	hook.attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
	return hook;
}

/* Id of the program at our priority and handle, whoever's; 0: none. Failure
 * means that there is no clsact, so no filter. */
static __u32 filter_find(int ifindex, bool egress)
{
	const struct bpf_tc_hook hook = tc_hook(ifindex, egress);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE,
		    .priority = FILTER_PRIORITY);

	return bpf_tc_query(&hook, &opts) ? 0 : opts.prog_id;
}

static bool is_ours(__u32 id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return false;
	return strncmp(info.name, "bn_", 3) == 0;
}

/* The directory whose existence says that we made the device's qdisc. */
static const char *qdisc_mark(char buf[PIN_PATH_MAX], const char *root,
			      int ifindex)
{
	char name[32];

	snprintf(name, sizeof(name), "clsact_%d", ifindex);
	return pin_path(buf, root, PIN_LINKS, name);
}

/* The mark comes first: whoever dies in between leaves nothing unmarked. */
int clsact_prepare(const char *root, int ifindex, struct err *err)
{
	struct bpf_tc_hook hook = tc_hook(ifindex, false);
	char path[PIN_PATH_MAX];
	bool marked = false;
	int ret;

	if (root) {
		marked = mkdir(qdisc_mark(path, root, ifindex), 0700) == 0;
		if (!marked && errno != EEXIST)
			return err_set(err, -errno, "create %s: %s", path,
				       strerror(errno));
	}
	diag_reset();
	ret = bpf_tc_hook_create(&hook);
	if (!ret)
		return 0;
	/* Somebody else's, or none. */
	if (marked)
		rmdir(path);
	if (ret == -EEXIST)
		return 0;
	return err_set(err, ret, "make a clsact qdisc: %s%s%s", strerror(-ret),
		       diag_reason()[0] ? ": " : "", diag_reason());
}

static int filter_failed(int ret, const char *program, struct err *err)
{
	if (ret == -EEXIST) {
		err_set(err, ret,
			"attach '%s': another program has tc priority %d, "
			"handle %#x",
			program, FILTER_PRIORITY, FILTER_HANDLE);
		return ret;
	}
	return err_set(err, ret, "attach '%s': %s%s%s", program, strerror(-ret),
		       diag_reason()[0] ? ": " : "", diag_reason());
}

static int filter_set(int ifindex, bool egress, int fd, bool replace,
		      const char *program, struct err *err)
{
	const struct bpf_tc_hook hook = tc_hook(ifindex, egress);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = fd, .handle = FILTER_HANDLE,
		    .priority = FILTER_PRIORITY,
		    .flags = replace ? BPF_TC_F_REPLACE : 0);
	int ret;

	diag_reset();
	ret = bpf_tc_attach(&hook, &opts);
	return ret ? filter_failed(ret, program, err) : 0;
}

int clsact_attach(struct datapath *dp, const char *program, int ifindex,
		  bool egress, bool *ret_made, struct err *err)
{
	_cleanup_close_ int fd = pin_program(dp, program, err);
	__u32 found, wanted = 0;
	int ret;

	if (fd < 0)
		return fd;
	ret = program_id(fd, &wanted);
	if (ret)
		return filter_failed(ret, program, err);

	found = filter_find(ifindex, egress);
	*ret_made = !found;
	if (found == wanted)
		return 0;
	return filter_set(ifindex, egress, fd, found && is_ours(found), program,
			  err);
}

static int filter_remove(int ifindex, bool egress, struct err *err)
{
	const struct bpf_tc_hook hook = tc_hook(ifindex, egress);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE,
		    .priority = FILTER_PRIORITY);
	int ret = bpf_tc_detach(&hook, &opts);

	if (!ret || ret == -ENOENT || ret == -ENODEV)
		return 0;
	return err_set(err, ret, "remove the tc filter: %s", strerror(-ret));
}

int clsact_detach(int ifindex, bool egress, struct err *err)
{
	__u32 found = filter_find(ifindex, egress);

	return found && is_ours(found) ? filter_remove(ifindex, egress, err) :
					 0;
}

static int on_filter(const struct nlmsghdr *nlh, void *arg)
{
	bool *found = arg;

	if (nlh->nlmsg_type == RTM_NEWTFILTER)
		*found = true;
	return MNL_CB_OK;
}

/* Whether any filter is left in one direction; true when in doubt. */
static bool has_filters(struct mnl_socket *sock, int ifindex, __u32 minor)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(nlh, sizeof(*tc));
	bool found = false;
	ssize_t len;
	int ret;

	nlh->nlmsg_type = RTM_GETTFILTER;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = minor;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT, minor);
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		return true;
	do {
		len = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		if (len < 0)
			return true;
		ret = mnl_cb_run(buf, len, minor, 0, on_filter, &found);
	} while (ret > MNL_CB_STOP);
	return ret < 0 || found;
}

static bool is_empty(int ifindex)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	bool empty;

	if (!sock)
		return false;
	empty = mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) == 0 &&
		!has_filters(sock, ifindex, TC_H_MIN_INGRESS) &&
		!has_filters(sock, ifindex, TC_H_MIN_EGRESS);
	mnl_socket_close(sock);
	return empty;
}

/*
 * Somebody may add a filter between the question and the removal of the
 * qdisc; it would be lost. Netlink has no "remove if empty", and leaving the
 * qdisc of every device behind would be a mess that is sure.
 */
int clsact_release(const char *root, int ifindex, struct err *err)
{
	struct bpf_tc_hook hook = tc_hook(ifindex, false);
	char path[PIN_PATH_MAX];
	int ret;

	if (access(qdisc_mark(path, root, ifindex), F_OK) != 0 ||
	    !is_empty(ifindex))
		return 0;
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	ret = bpf_tc_hook_destroy(&hook);
	/* Somebody was faster, or the device itself is gone. */
	if (ret && ret != -ENOENT && ret != -ENODEV && ret != -EINVAL)
		return err_set(err, ret, "remove the clsact qdisc: %s",
			       strerror(-ret));
	if (rmdir(path) != 0 && errno != ENOENT)
		return err_set(err, -errno, "remove %s: %s", path,
			       strerror(errno));
	return 0;
}

/* What the device's filter runs, when that is in the set. */
static const struct program *device_program(int ifindex, bool egress,
					    const struct program_set *set)
{
	__u32 found = filter_find(ifindex, egress);

	return found ? programs_find_id(set, found) : NULL;
}

/* Where the new programs have none of that name, the filter stays. */
static int filter_put(int ifindex, bool egress, const struct program_set *from,
		      const struct program_set *to, struct err *err)
{
	const struct program *old = device_program(ifindex, egress, from);
	const struct program *new = old ? programs_find(to, old->name) : NULL;

	int ret;

	if (!new || new->id == old->id)
		return 0;
	ret = filter_set(ifindex, egress, new->fd, true, new->name, err);
	/* The device went in this moment. */
	return ret == -ENODEV ? 0 : ret;
}

int clsact_put(const struct program_set *from, const struct program_set *to,
	       struct err *err)
{
	struct if_nameindex *devices = from->count ? if_nameindex() : NULL;
	int first = 0;

	if (!devices && from->count)
		return err_set(err, -errno, "list the devices: %s",
			       strerror(errno));
	for (struct if_nameindex *dev = devices; dev && dev->if_index; dev++)
		for (int egress = 0; egress < 2; egress++) {
			int ret = filter_put(dev->if_index, egress, from, to,
					     first ? NULL : err);

			if (ret && !first) {
				first = ret;
				err_prefix(err, "device %s", dev->if_name);
			}
		}
	if (devices)
		if_freenameindex(devices);
	return first;
}

static void device_detach(int ifindex, const struct program_set *set)
{
	for (int egress = 0; egress < 2; egress++)
		if (device_program(ifindex, egress, set))
			filter_remove(ifindex, egress, NULL);
}

static void devices_detach(const char *root, const char *dir)
{
	struct if_nameindex *devices;
	struct program_set set;

	if (programs_open(root, dir, &set, NULL))
		return;
	devices = set.count ? if_nameindex() : NULL;
	for (struct if_nameindex *dev = devices; dev && dev->if_index; dev++) {
		device_detach(dev->if_index, &set);
		clsact_release(root, dev->if_index, NULL);
	}
	if (devices)
		if_freenameindex(devices);
	programs_close(&set);
}

void clsact_detach_all(const char *root)
{
	devices_detach(root, PIN_PROGS);
	devices_detach(root, PIN_PROGS_NEXT);
}
