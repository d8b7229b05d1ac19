/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* flow_del - ends the connections that a filter means */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cli/change.h"
#include "cli/flow_filter.h"
#include "cli/output.h"

/* All are found before the first one goes: the walk sees a table that stays. */
struct doomed {
	const struct flow_filter *filter;
	struct flow_key *keys;
	size_t count, room;
};

static int on_flow(const struct flow_pair *pair, void *arg)
{
	struct doomed *doomed = arg;
	struct flow_key *keys;
	size_t room = doomed->room ? 2 * doomed->room : 64;

	if (!flow_filter_matches(doomed->filter, pair))
		return 0;
	if (doomed->count == doomed->room) {
		keys = reallocarray(doomed->keys, room, sizeof(*keys));
		if (!keys)
			return -ENOMEM;
		doomed->keys = keys;
		doomed->room = room;
	}
	doomed->keys[doomed->count++] = pair->forward_key;
	return 0;
}

static int find(struct control *control, struct flow_filter *filter,
		struct doomed *doomed, struct err *err)
{
	struct datapath *dp = control_datapath(control);
	int rc = flow_filter_resolve(filter, control_model(control), err);

	doomed->filter = filter;
	rc = rc || !dp ? rc : flows_each(dp, on_flow, doomed, err);
	return rc == -ENOMEM ? err_set(err, rc, "out of memory") : rc;
}

static int print_doomed(void *arg, FILE *out, struct err *err)
{
	const struct doomed *doomed = arg;
	char src[ENDPOINT_TEXT_MAX], dst[ENDPOINT_TEXT_MAX];

	(void)err;
	for (size_t i = 0; i < doomed->count; i++) {
		const struct flow_key *key = &doomed->keys[i];

		fprintf(out, "- flow %s %s > %s\n", proto_print(key->proto),
			ip_port_print(&key->src, ntohs(key->sport), src),
			ip_port_print(&key->dst, ntohs(key->dport), dst));
	}
	return 0;
}

static int end(const struct cli *cli, struct control *control,
	       struct doomed *doomed, struct err *err)
{
	__u64 ended = 0;
	int rc = 0;

	if (cli->dry_run)
		return change_dry_run(cli, print_doomed, doomed, err);
	if (doomed->count)
		rc = flows_end(control_datapath(control), doomed->keys,
			       doomed->count, &ended, err);
	if (rc)
		return rc;
	if (cli->json)
		return output_json(cli,
				   json_pack("{s:s,s:I}", "schema", "bpfnet/1",
					     "deleted", (json_int_t)ended),
				   err);
	output_done(cli, "%" PRIu64 " flow%s deleted", (uint64_t)ended,
		    ended == 1 ? "" : "s");
	return 0;
}

/* Only a shared lock: flows come and go, whoever has it. */
int cmd_flow_del(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	struct flow_filter filter = { .slot = 0 };
	struct doomed doomed = { 0 };
	int rc;

	if (flow_filter_parse(args, &filter, NULL, err))
		return -EINVAL;
	if (flow_filter_is_empty(&filter)) {
		err_usage(err, "says no filter");
		err_hint(err, "all of them: 'src 0.0.0.0/0' and 'src ::/0'");
		return -EINVAL;
	}
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	rc = rc ? rc : find(control, &filter, &doomed, err);
	rc = rc ? rc : end(cli, control, &doomed, err);
	free(doomed.keys);
	return rc;
}
