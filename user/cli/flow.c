/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flow - the commands of connections */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "cli/change.h"
#include "cli/flow_filter.h"
#include "cli/output.h"

/* One walk: who asks, and the names behind the datapath's numbers. */
struct walk {
	const struct cli *cli;
	const struct flow_filter *filter;
	const char *by; /* only for count */
	const char *endpoints[ENDPOINTS_MAX];
	const char *rules[RULES_MAX];
	__u32 now;
	json_t *list; /* list: the flows; NULL: printed at once */
	json_t *counts; /* count by: label to number */
	__u64 count;
};

static json_int_t seconds_since(__u32 now, __u32 tick)
{
	__u64 ticks = (__u32)(now - tick);

	/* A packet may have been seen after now was read. */
	if (ticks > UINT32_MAX / 2)
		ticks = 0;
	return (ticks << FLOW_TICK_SHIFT) / 1000000000;
}

static const char *flow_endpoint(const struct walk *walk,
				 const struct flow *flow)
{
	__u16 slot = flow->in_slot ? flow->in_slot : flow->out_slot;
	const char *name = slot < ENDPOINTS_MAX ? walk->endpoints[slot] : NULL;

	return name ? name : "";
}

static __u32 flow_last_seen(const struct flow_pair *pair)
{
	if (pair->reply_found &&
	    (__s32)(pair->reply.last_seen - pair->forward.last_seen) > 0)
		return pair->reply.last_seen;
	return pair->forward.last_seen;
}

static json_t *flow_json(const struct walk *walk, const struct flow_pair *pair)
{
	static const struct flow no_reply;
	const struct flow_key *key = &pair->forward_key;
	const struct flow *flow = &pair->forward;
	const struct flow *reply = pair->reply_found ? &pair->reply : &no_reply;
	const char *rule =
		flow->rule < RULES_MAX ? walk->rules[flow->rule] : NULL;
	char client[ENDPOINT_TEXT_MAX], service[ENDPOINT_TEXT_MAX];
	char backend[ENDPOINT_TEXT_MAX], nat[ENDPOINT_TEXT_MAX] = "";

	ip_port_print(&key->src, ntohs(key->sport), client);
	ip_port_print(&key->dst, ntohs(key->dport), service);
	ip_port_print(&flow->to_dst, ntohs(flow->to_dport), backend);
	if (flow->flags & FLOW_NAT_SRC)
		ip_port_print(&flow->to_src, ntohs(flow->to_sport), nat);

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,"
			 "s:s,s:s}",
			 "proto", proto_print(key->proto), "client", client,
			 "service", service, "backend", backend, "nat", nat,
			 "state", flow_state(pair), "age_s",
			 seconds_since(walk->now, flow->created), "idle_s",
			 seconds_since(walk->now, flow_last_seen(pair)),
			 "packets", (json_int_t)flow->packets, "bytes",
			 (json_int_t)flow->bytes, "reply_packets",
			 (json_int_t)reply->packets, "reply_bytes",
			 (json_int_t)reply->bytes, "endpoint",
			 flow_endpoint(walk, flow), "rule", rule ? rule : "");
}

static int on_list(const struct flow_pair *pair, void *arg)
{
	struct walk *walk = arg;
	json_t *object;

	if (!flow_filter_matches(walk->filter, pair))
		return 0;
	object = flow_json(walk, pair);
	if (walk->list)
		return json_array_append_new(walk->list, object) ? -ENOMEM : 0;

	if (!object)
		return -ENOMEM;
	if (walk->count++)
		putchar(',');
	json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
	/* No reader, no need to go on; the end of the program reports it. */
	return ferror(stdout) ? 1 : 0;
}

static int on_count(const struct flow_pair *pair, void *arg)
{
	struct walk *walk = arg;
	const char *by = walk->by;
	const char *label;

	if (!flow_filter_matches(walk->filter, pair))
		return 0;
	walk->count++;
	if (!by)
		return 0;
	if (!strcmp(by, "endpoint"))
		label = flow_endpoint(walk, &pair->forward);
	else if (!strcmp(by, "state"))
		label = flow_state(pair);
	else
		label = proto_print(pair->forward_key.proto);
	return json_object_set_new(
		       walk->counts, label,
		       json_integer(1 + json_integer_value(json_object_get(
						walk->counts, label)))) ?
		       -ENOMEM :
		       0;
}

static int walk_prepare(struct walk *walk, const struct model *model,
			struct flow_filter *filter, struct err *err)
{
	for (size_t i = 0; i < model->nendpoints; i++)
		walk->endpoints[model->endpoints[i].slot % ENDPOINTS_MAX] =
			model->endpoints[i].name;
	for (size_t i = 0; i < model->nrules; i++)
		walk->rules[model->rules[i].id % RULES_MAX] =
			model->rules[i].name;
	walk->now = datapath_now();
	walk->filter = filter;
	return flow_filter_resolve(filter, model, err);
}

static int walk_flows(struct datapath *dp,
		      int (*visit)(const struct flow_pair *pair, void *arg),
		      struct walk *walk, struct err *err)
{
	int rc = dp ? flows_each(dp, visit, walk, err) : 0;

	if (rc == -ENOMEM)
		return err_set(err, -ENOMEM, "out of memory");
	return rc < 0 ? rc : 0;
}

/* JSON goes out flow by flow: a full table would not fit the memory well. */
static int list_stream(struct walk *walk, struct datapath *dp, struct err *err)
{
	int rc;

	fputs("{\"schema\":\"bpfnet/1\",\"flows\":[", stdout);
	rc = walk_flows(dp, on_list, walk, err);
	fputs("]}\n", stdout);
	return rc;
}

static int list_table(struct walk *walk, struct datapath *dp, struct err *err)
{
	static const struct column columns[] = {
		{ "proto", false },
		{ "client", false },
		{ "service", false },
		{ "backend", false },
		{ "nat", false },
		{ "state", false },
		{ "age_s", true },
		{ "idle_s", false },
		{ "packets", false },
		{ "bytes", false },
		{ "reply_packets", false },
		{ "reply_bytes", false },
		{ "endpoint", false },
		{ "rule", true },
		{ 0 },
	};
	json_t *root = output_root();
	int rc;

	walk->list = json_array();
	if (!walk->list || json_object_set_new(root, "flows", walk->list)) {
		json_decref(root);
		return err_set(err, -ENOMEM, "out of memory");
	}
	rc = walk_flows(dp, on_list, walk, err);
	if (rc) {
		json_decref(root);
		return rc;
	}
	return output_list(walk->cli, root, "flows", columns, err);
}

int cmd_flow_list(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	struct walk walk = { .cli = cli };
	struct flow_filter filter = { .slot = 0 };
	int rc;

	if (flow_filter_parse(args, &filter, NULL, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (!rc)
		rc = walk_prepare(&walk, control_model(control), &filter, err);
	if (rc)
		return rc;
	if (cli->json && !cli->pretty)
		return list_stream(&walk, control_datapath(control), err);
	return list_table(&walk, control_datapath(control), err);
}

static int count_print(const struct walk *walk, struct err *err)
{
	const char *label;
	json_t *root, *value;

	if (walk->cli->json) {
		root = output_root();
		json_object_set_new(root, "count", json_integer(walk->count));
		if (walk->by)
			json_object_set(root, walk->by, walk->counts);
		return output_json(walk->cli, root, err);
	}
	if (!walk->by)
		printf("%llu\n", walk->count);
	json_object_foreach(walk->counts, label, value)
	{
		printf("%8" JSON_INTEGER_FORMAT " %s\n",
		       json_integer_value(value), *label ? label : "-");
	}
	return 0;
}

int cmd_flow_count(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	struct walk walk = { .cli = cli };
	struct flow_filter filter = { .slot = 0 };
	int rc;

	if (flow_filter_parse(args, &filter, &walk.by, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (!rc)
		rc = walk_prepare(&walk, control_model(control), &filter, err);
	if (rc)
		return rc;

	walk.counts = json_object();
	rc = walk_flows(control_datapath(control), on_count, &walk, err);
	if (!rc)
		rc = count_print(&walk, err);
	json_decref(walk.counts);
	return rc;
}
