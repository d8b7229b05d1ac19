/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* compile - ordered rules as the sets that the datapath looks up */
#ifndef BPFNET_COMPILE_H
#define BPFNET_COMPILE_H

#include "datapath/datapath.h"
#include "model/model.h"

enum selector_kind {
	SELECT_ANY,
	SELECT_ENDPOINT, /* id: slot */
	SELECT_NETWORK, /* id: network */
	SELECT_CIDR,
	SELECT_HOST,
	SELECT_WORLD,
};

struct selector {
	__u32 kind; /* enum selector_kind */
	__u32 id;
	struct ipaddr addr; /* already masked */
	struct ipaddr mask; /* of a prefix */
};

/* A rule whose names have become numbers. Ports are those of TCP and UDP: a
 * rule that names some matches no other protocol. */
struct rule_val {
	struct selector from;
	struct selector to;
	__u32 id; /* of its counters */
	__u8 action; /* enum rule_action */
	__u8 proto; /* 0: any */
	__u8 nports; /* 0: any port */
	bool log;
	struct port_range ports[RULE_PORTS_MAX]; /* destination port */
};

/*
 * Compiles at most RULES_MAX rules, of which the first that matches decides.
 * 0 or -errno; -ENOSPC when the sets take more than POLICY_LINES_MAX.
 */
int policy_compile(const struct rule_val *rules, size_t count,
		   struct policy_image *ret, struct err *err);
/* The same rules have the same, never 0: that of what they are compiled to. */
__u64 policy_hash(const struct rule_val *rules, size_t count);
void policy_image_free(struct policy_image *image);

#define _cleanup_image_ __attribute__((cleanup(policy_image_free)))

#endif
