/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* link - network devices: create, find, change, delete */
#ifndef BPFNET_LINK_H
#define BPFNET_LINK_H

#include <net/if.h>
#include <stdbool.h>

#include "kernel/nl.h"

struct link_info {
	int ifindex;
	int master; /* ifindex of the bridge, 0: none */
	int peer; /* IFLA_LINK: ifindex of a veth's other end, 0: none */
	int peer_nsid; /* the number of its namespace in this one; -1: none */
	char name[IFNAMSIZ];
	char kind[16]; /* "veth", "bridge", ... or "" */
	__u8 mac[6];
	unsigned int mtu;
	unsigned short type; /* ARPHRD_* */
	bool up; /* IFF_UP */
	bool running; /* IFF_RUNNING: also has a carrier */
};

/* -ENODEV with a text when there is no such device. */
int link_get(struct nl *nl, const char *name, struct link_info *ret,
	     struct err *err);
int link_get_index(struct nl *nl, int ifindex, struct link_info *ret,
		   struct err *err);
int link_each(struct nl *nl, int (*visit)(const struct link_info *, void *),
	      void *arg, struct err *err);

/* The ports of all bridges, in less time: for this list the kernel does not look
 * through the numbers of all namespaces for each device. One may be missing when
 * devices come or go meanwhile, or be there twice; kind is empty. */
int link_each_port(struct nl *nl,
		   int (*visit)(const struct link_info *, void *), void *arg,
		   struct err *err);

/* The number that the namespace behind netns_fd has in that of nl, as in
 * peer_nsid; -1: it has none. */
int link_nsid(struct nl *nl, int netns_fd, int *ret, struct err *err);

/* What the device has received and sent. */
struct link_counters {
	__u64 rx_packets, rx_bytes;
	__u64 tx_packets, tx_bytes;
};
int link_get_counters(struct nl *nl, const char *name,
		      struct link_counters *ret, struct err *err);

/* A bridge with a fixed MAC (it never changes as ports come and go), no STP,
 * no forward delay, multicast snooping off. Down. Netlink cannot set accept_ra:
 * that is up to sysctl_set, before the bridge goes up. */
int link_add_bridge(struct nl *nl, const char *name, const __u8 mac[6],
		    unsigned int mtu, struct err *err);

struct veth {
	const char *host_name;
	const __u8 *host_mac; /* NULL: the kernel's choice */
	unsigned int mtu; /* both ends; 0: default */
	int master; /* bridge for the host end, 0: none */
	int peer_netns_fd;
	const char *peer_name;
	const __u8 *peer_mac;
};
/* Both ends in one request, the peer directly in its namespace; both down. */
int link_add_veth(struct nl *nl, const struct veth *veth, struct err *err);

int link_del(struct nl *nl, const char *name, struct err *err);
int link_set_up(struct nl *nl, int ifindex, bool up, struct err *err);
int link_set_mac(struct nl *nl, int ifindex, const __u8 mac[6],
		 struct err *err);
int link_set_mtu(struct nl *nl, int ifindex, unsigned int mtu, struct err *err);
int link_set_master(struct nl *nl, int ifindex, int master, struct err *err);

#endif
