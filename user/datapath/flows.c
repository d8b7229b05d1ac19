/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flows - the flow table read, both directions of a flow put together */
#include "datapath/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

struct flow_key flow_reply_key(const struct flow_key *key,
			       const struct flow *flow)
{
	struct flow_key reply = {
		.src = flow->to_dst,
		.dst = flow->to_src,
		.sport = flow->to_dport,
		.dport = flow->to_sport,
		.proto = key->proto,
		.no_echo = key->no_echo,
	};

	return reply;
}

bool flow_pair_make(const struct flow_key *key, const struct flow *flow,
		    flow_find find, void *arg, struct flow_pair *ret)
{
	struct flow reply;

	/* Every pair is told once, by its forward half. A reply half without
	 * one is about to be removed by bn_gc. */
	if (flow->flags & FLOW_REPLY)
		return false;

	memset(ret, 0, sizeof(*ret));
	ret->forward_key = *key;
	ret->forward = *flow;
	ret->reply_key = flow_reply_key(key, flow);
	if (find(&ret->reply_key, &reply, arg) == 0 &&
	    (reply.flags & FLOW_REPLY)) {
		ret->reply = reply;
		ret->reply_found = true;
	}
	return true;
}

static const char *tcp_state(__u8 forward, __u8 reply)
{
	if ((forward | reply) & FLOW_SEEN_RST)
		return "reset";
	if (forward & reply & FLOW_SEEN_FIN)
		return "closing";
	if (!(forward & reply & FLOW_SEEN))
		return "syn-sent";
	return (forward | reply) & FLOW_SEEN_ACK ? "established" : "syn-recv";
}

const char *flow_state(const struct flow_pair *pair)
{
	__u8 forward = pair->forward.seen;
	__u8 reply = pair->reply_found ? pair->reply.seen : 0;

	if (pair->forward_key.proto == IPPROTO_TCP)
		return tcp_state(forward, reply);
	return forward & reply & FLOW_SEEN ? "two-way" : "one-way";
}

struct walk {
	struct datapath *dp;
	int (*visit)(const struct flow_pair *pair, void *arg);
	void *arg;
	bool stopped; /* by visit: its value is no error of ours */
};

static int find_reply(const struct flow_key *key, struct flow *ret, void *arg)
{
	struct embryo embryo;
	int rc = table_get(arg, MAP_FLOWS, key, ret);

	if (rc != -ENOENT)
		return rc;
	rc = table_get(arg, MAP_EMBRYOS, key, &embryo);
	if (!rc)
		*ret = embryo.mine;
	return rc;
}

static int on_flow(const void *key, const void *value, void *arg)
{
	struct walk *walk = arg;
	struct flow_pair pair;
	int ret;

	if (!flow_pair_make(key, value, find_reply, walk->dp, &pair))
		return 0;
	ret = walk->visit(&pair, walk->arg);
	walk->stopped = ret != 0;
	return ret;
}

static int on_embryo(const void *key, const void *value, void *arg)
{
	const struct embryo *embryo = value;

	return on_flow(key, &embryo->mine, arg);
}

int flows_each(struct datapath *dp,
	       int (*visit)(const struct flow_pair *pair, void *arg), void *arg,
	       struct err *err)
{
	struct walk walk = { .dp = dp, .visit = visit, .arg = arg };
	int ret = map_each(dp->maps[MAP_FLOWS], on_flow, &walk);

	if (!ret)
		ret = map_each(dp->maps[MAP_EMBRYOS], on_embryo, &walk);

	if (ret && !walk.stopped)
		return err_set(err, ret, "read the flow table: %s",
			       strerror(-ret));
	return ret;
}

struct endpoint_walk {
	int (*visit)(const struct ipaddr *ip, void *arg);
	void *arg;
};

/* A reply half has the same two, or is held for its port alone. */
static int on_endpoints(const void *key, const void *value, void *arg)
{
	const struct endpoint_walk *walk = arg;
	const struct flow_key *forward = key;
	const struct flow *flow = value;
	int ret = 0;

	if (flow->flags & FLOW_REPLY)
		return 0;
	if (flow->in_slot)
		ret = walk->visit(&forward->src, walk->arg);
	if (!ret && flow->out_slot)
		ret = walk->visit(&flow->to_dst, walk->arg);
	return ret;
}

static int on_embryo_endpoints(const void *key, const void *value, void *arg)
{
	const struct embryo *embryo = value;

	return on_endpoints(key, &embryo->mine, arg);
}

int flows_each_endpoint(struct datapath *dp,
			int (*visit)(const struct ipaddr *ip, void *arg),
			void *arg, struct err *err)
{
	struct endpoint_walk walk = { .visit = visit, .arg = arg };
	int ret = map_each(dp->maps[MAP_FLOWS], on_endpoints, &walk);

	if (!ret)
		ret = map_each(dp->maps[MAP_EMBRYOS], on_embryo_endpoints,
			       &walk);
	if (ret)
		return err_set(err, ret, "read the flow table: %s",
			       strerror(-ret));
	return 0;
}

static int flow_end(int program, const struct flow_key *key, __u64 *ended,
		    struct err *err)
{
	struct flow_del_args args = { .key = *key };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args,
		    .ctx_size_in = sizeof(args));
	int ret = bpf_prog_test_run_opts(program, &opts);

	if (ret)
		return err_set(err, ret, "run 'bn_flow_del': %s",
			       strerror(-ret));
	*ended += args.ended;
	return 0;
}

int flows_end(struct datapath *dp, const struct flow_key *keys, size_t count,
	      __u64 *ret_ended, struct err *err)
{
	_cleanup_close_ int program = pin_program(dp, "bn_flow_del", err);
	__u64 ended = 0;
	int ret = program < 0 ? program : 0;

	for (size_t i = 0; i < count && !ret; i++)
		ret = flow_end(program, &keys[i], &ended, err);
	if (!ret)
		*ret_ended = ended;
	return ret;
}
