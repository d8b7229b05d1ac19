/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flow_filter - which flows a command means */
#include "cli/flow_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/suggest.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof(*(array)))

static int parse_proto(const char *value, void *target, struct err *err)
{
	if (proto_parse(value, target))
		return err_usage(err, "'%s' is not a protocol", value);
	return 0;
}

static int parse_src(const char *value, void *target, struct err *err)
{
	struct flow_filter *filter = target;

	filter->has_src = true;
	return arg_cidr(value, &filter->src, err);
}

static int parse_dst(const char *value, void *target, struct err *err)
{
	struct flow_filter *filter = target;

	filter->has_dst = true;
	return arg_cidr(value, &filter->dst, err);
}

static int parse_port(const char *value, void *target, struct err *err)
{
	struct port_range range;

	if (port_range_parse(value, &range) || range.low != range.high)
		return err_usage(err, "'%s' is not a port", value);
	*(__u16 *)target = range.low;
	return 0;
}

static int parse_word(const char *value, void *target, const char *const *known,
		      size_t count, struct err *err)
{
	char text[120] = "";
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(known[i], value)) {
			*(const char **)target = known[i];
			return 0;
		}
		if (used < sizeof(text))
			used += snprintf(text + used, sizeof(text) - used,
					 "%s%s", used ? ", " : "", known[i]);
	}
	err_usage(err, "unknown value '%s'", value);
	err_hint(err, "known: %s", text);
	return -EINVAL;
}

static int parse_state(const char *value, void *target, struct err *err)
{
	static const char *const states[] = {
		"established", "syn-sent", "syn-recv", "closing",
		"reset",       "one-way",  "two-way",
	};

	return parse_word(value, target, states, ARRAY_LEN(states), err);
}

static int parse_by(const char *value, void *target, struct err *err)
{
	static const char *const keys[] = { "endpoint", "state", "proto" };

	return parse_word(value, target, keys, ARRAY_LEN(keys), err);
}

int flow_filter_parse(struct args *args, struct flow_filter *ret,
		      const char **ret_by, struct err *err)
{
	const struct keyword keywords[] = {
		{ "endpoint", arg_name, ret->endpoint, 0 },
		{ "proto", parse_proto, &ret->proto, 0 },
		{ "src", parse_src, ret, 0 },
		{ "dst", parse_dst, ret, 0 },
		{ "port", parse_port, &ret->port, 0 },
		{ "state", parse_state, &ret->state, 0 },
		{ "by", parse_by, ret_by, 0 }, /* last: only with ret_by */
	};

	return keywords_parse(args, keywords, ARRAY_LEN(keywords) - !ret_by,
			      err);
}

bool flow_filter_is_empty(const struct flow_filter *filter)
{
	return !filter->endpoint[0] && !filter->proto && !filter->has_src &&
	       !filter->has_dst && !filter->port && !filter->state;
}

int flow_filter_resolve(struct flow_filter *filter, const struct model *model,
			struct err *err)
{
	const struct endpoint *endpoint;

	if (!filter->endpoint[0])
		return 0;
	endpoint = model_find_endpoint(model, filter->endpoint);
	if (!endpoint)
		return suggest_missing("endpoint", filter->endpoint,
				       model->endpoints, model->nendpoints,
				       sizeof(*model->endpoints), err);
	filter->slot = endpoint->slot;
	return 0;
}

bool flow_filter_matches(const struct flow_filter *filter,
			 const struct flow_pair *pair)
{
	const struct flow_key *key = &pair->forward_key;
	const struct flow *flow = &pair->forward;

	if (filter->slot && flow->in_slot != filter->slot &&
	    flow->out_slot != filter->slot)
		return false;
	if (filter->proto && key->proto != filter->proto)
		return false;
	if (filter->has_src && !cidr_contains(&filter->src, &key->src))
		return false;
	if (filter->has_dst && !cidr_contains(&filter->dst, &key->dst) &&
	    !cidr_contains(&filter->dst, &flow->to_dst))
		return false;
	if (filter->port && ntohs(key->dport) != filter->port &&
	    ntohs(flow->to_dport) != filter->port)
		return false;
	return !filter->state || !strcmp(filter->state, flow_state(pair));
}
