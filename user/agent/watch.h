/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* watch - rtnetlink notifications, sorted by what they mean to the datapath */
#ifndef BPFNET_WATCH_H
#define BPFNET_WATCH_H

#include <stdbool.h>

#include "kernel/neigh.h"

/*
 * Two kinds of change count. Routes: a route, a link's state, or the MAC of a
 * neighbour that was known differently, so that cached ways out are wrong. Mere
 * ARP churn (a first resolution, a state that moves) is none. Host: a device,
 * an address or a default route may have come or gone, so that tables are
 * wrong; the kernel also tells when only a lifetime was renewed.
 */
struct watch;

int watch_open(struct watch **ret, struct err *err);
void watch_close(struct watch *watch); /* NULL is allowed */
int watch_fd(const struct watch *watch);

/* Reads what is there. A lost notification counts as both kinds. */
int watch_read(struct watch *watch, struct err *err);

/* Whether that kind has happened since the last call. */
bool watch_take_routes(struct watch *watch);
bool watch_take_host(struct watch *watch);
/* One neighbour that the kernel no longer vouches for; false: no more. */
bool watch_take_stale(struct watch *watch, int *ret_ifindex,
		      struct ipaddr *ret_ip);

/* Host changes could not be handled now: they shall come again soon. */
void watch_again(struct watch *watch);

#endif
