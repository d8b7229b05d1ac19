/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flow_filter - which flows a command means */
#ifndef BPFNET_FLOW_FILTER_H
#define BPFNET_FLOW_FILTER_H

#include "cli/args.h"
#include "datapath/datapath.h"
#include "model/model.h"

/* What the words ask for, all of it at once; zero: all flows. */
struct flow_filter {
	char endpoint[NAME_LEN_MAX + 1];
	__u32 slot; /* endpoint's, see resolve */
	__u8 proto;
	bool has_src, has_dst;
	struct cidr src; /* the client */
	struct cidr dst; /* the service or the backend */
	__u16 port; /* of either of those */
	const char *state; /* as flow_state says */
};

/*
 * All words that are left, into a zeroed ret. ret_by receives what "by" asks
 * for ("endpoint", "state", "proto"; untouched without it); NULL: the command
 * does not know that word.
 */
int flow_filter_parse(struct args *args, struct flow_filter *ret,
		      const char **ret_by, struct err *err);
bool flow_filter_is_empty(const struct flow_filter *filter);

/* Finds the endpoint by its name. -ENOENT: there is none. */
int flow_filter_resolve(struct flow_filter *filter, const struct model *model,
			struct err *err);
bool flow_filter_matches(const struct flow_filter *filter,
			 const struct flow_pair *pair);

#endif
