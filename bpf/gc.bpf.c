/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* gc - ends flows: those that are past their time, or that somebody names */
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include <bpfnet/abi.h>

#include "flow.h"
#include "maps.h"

struct bpf_map;

struct gc_walk {
	const struct datapath_config *config;
	__u32 now;
	__u32 slot;
	__u32 all;
	__u32 pad;
	__u64 scanned;
	__u64 expired;
	__u64 established;
	__u64 embryonic;
};

static __always_inline bool is_wanted(const struct gc_walk *walk,
				      const struct flow *flow)
{
	return walk->all || (walk->slot && (flow->in_slot == walk->slot ||
					    flow->out_slot == walk->slot));
}

/*
 * The far end of a connection that is over remembers it for a while, so its
 * public port must not be given to another one at once, even when the container
 * is gone. The reply half has taken the port; it stays, without the rest.
 */
static __always_inline bool port_hold(const struct flow_key *key,
				      const struct flow *flow,
				      struct flow *pair)
{
	if (!pair || flow->action != FLOW_OUT ||
	    (flow->flags & (FLOW_NAT_SRC | FLOW_EMBRYO)) != FLOW_NAT_SRC ||
	    !is_over(key->proto, flow->seen, pair->seen))
		return false;
	pair->reason = REASON_NO_ROUTE;
	pair->flags |= FLOW_HELD | FLOW_DENIED;
	return true;
}

/*
 * Visits every entry, and decides about a flow at its forward half; a reply
 * half alone is one whose forward half was never written or is already gone.
 * A packet that refreshes the flow between the look and the delete loses its
 * entry all the same; its next packet starts the flow again.
 */
static __always_inline long visit(const struct flow_key *key, struct flow *flow,
				  struct gc_walk *walk)
{
	struct flow_key pair_key;
	struct flow *pair;
	bool is_alive;
	__u32 limit;
	__u8 other;

	if (!walk->config)
		return 1;
	walk->scanned++;
	pair = flow_pair_find(key, flow, &pair_key);
	if ((flow->flags & FLOW_REPLY) && pair)
		return 0;

	other = pair ? pair->seen : 0;
	limit = flow_idle_limit(walk->config, key->proto, flow->seen, other);
	if (flow->flags & FLOW_HELD)
		limit = walk->config->tcp_closing;
	is_alive = flow_idle_ticks(walk->now, flow, pair) <= (__s32)limit;
	if (is_alive && (flow->flags & FLOW_HELD) && !walk->all)
		return 0;
	if (is_alive && !is_wanted(walk, flow)) {
		if (other & FLOW_SEEN)
			walk->established++;
		else
			walk->embryonic++;
		return 0;
	}
	if (is_alive && !walk->all && port_hold(key, flow, pair)) {
		flow_del_half(key, flow);
		return 0;
	}
	/* The iteration may have gone ahead to the pair that is removed here, and
	 * then shows it once more, as a half alone: counted by its delete. */
	if (pair)
		flow_del_half(&pair_key, pair);
	walk->expired += flow_del_half(key, flow);
	return 0;
}

static long flow_visit(struct bpf_map *map, const struct flow_key *key,
		       struct flow *flow, struct gc_walk *walk)
{
	(void)map;
	return key && flow && walk ? visit(key, flow, walk) : 1;
}

static long embryo_visit(struct bpf_map *map, const struct flow_key *key,
			 struct embryo *embryo, struct gc_walk *walk)
{
	(void)map;
	return key && embryo && walk ? visit(key, &embryo->mine, walk) : 1;
}

SEC("syscall")
int bn_gc(struct gc_args *args)
{
	struct gc_walk walk = {
		.config = config_get(),
		/* The coarse clock is not for this program type; this one is
		 * the same clock, read to the nanosecond. */
		.now = bpf_ktime_get_ns() >> FLOW_TICK_SHIFT,
		.slot = args->slot,
		.all = args->all,
	};
	struct flow_stats *stats = stats_get();

	bpf_for_each_map_elem(&bn_flows, flow_visit, &walk, 0);
	bpf_for_each_map_elem(&bn_embryos, embryo_visit, &walk, 0);
	args->scanned = walk.scanned;
	args->expired = walk.expired;
	args->established = walk.established;
	args->embryonic = walk.embryonic;
	if (stats)
		stats->expired += walk.expired;
	return 0;
}

/* Where the last packet has just ended it, there is nothing to do. */
static __always_inline bool end(const struct flow_key *key)
{
	struct flow *flow = flow_find(key), *pair;
	struct flow_key pair_key;

	if (!flow || (flow->flags & FLOW_REPLY))
		return false;
	pair = flow_pair_find(key, flow, &pair_key);
	if (pair)
		flow_del_half(&pair_key, pair);
	return flow_del_half(key, flow);
}

SEC("syscall")
int bn_flow_del(struct flow_del_args *args)
{
	struct flow_stats *stats = stats_get();
	struct flow_key key = args->key;
	bool ended = end(&key);

	args->ended = ended;
	if (stats)
		stats->expired += ended;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
