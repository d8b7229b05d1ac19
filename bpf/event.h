/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* event - tells user space what a rule with "log" has decided */
#ifndef BPFNET_BPF_EVENT_H
#define BPFNET_BPF_EVENT_H

#include "first.h"
#include "maps.h"

static __always_inline bool event_is_due(struct first *first)
{
	if (first->events_tick != first->pkt.now) {
		first->events_tick = first->pkt.now;
		first->events_sent = 0;
	}
	return first->events_sent++ < EVENTS_PER_TICK;
}

static __always_inline void event_fill(const struct first *first,
				       struct event *event)
{
	const struct flow_key *key = &first->pkt.key;

	__builtin_memset(event, 0, sizeof(*event));
	event->key.src = first->from.addr;
	event->key.dst = first->to.addr;
	event->key.sport = key->sport;
	event->key.dport = first->backend_port;
	event->key.proto = key->proto;
	event->key.no_echo = key->no_echo;
	event->rule = first->rule;
	event->lost = first->events_lost;
	event->action = first->query.verdict.action;
}

/* After decide(): first->rule is the rule that decided, if one did. */
static __noinline __attribute__((unused)) void
event_of_rule(struct first *first)
{
	struct event *event = NULL;

	if (!first || !first->rule ||
	    !(first->query.verdict.flags & VERDICT_LOG))
		return;
	if (event_is_due(first))
		event = bpf_ringbuf_reserve(&bn_events, sizeof(*event), 0);
	if (!event) {
		first->events_lost++;
		return;
	}
	event_fill(first, event);
	bpf_ringbuf_submit(event, 0);
	first->events_lost = 0;
}

#endif
