/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* stats - all counters, by section */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/change.h"
#include "cli/device.h"
#include "cli/live.h"
#include "cli/policy.h"
#include "cli/port.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof(*(array)))

/* One reading of everything that sections need. */
struct reading {
	const struct model *model;
	struct datapath *dp; /* NULL: nothing is loaded, all is zero */
	struct live live;
};

static json_t *drops_json(const __u64 *reasons)
{
	json_t *drops = json_object();

	/* Also the zeros, so that scripts need not know what may be missing. */
	for (int why = REASON_FIRST_DROP; why < REASON_COUNT; why++)
		json_object_set_new(drops, reason_label[why],
				    json_integer(reasons[why]));
	return drops;
}

static int read_drops(const struct reading *reading, json_t *root,
		      struct err *err)
{
	__u64 reasons[REASON_COUNT] = { 0 };

	if (reading->dp) {
		int rc = counters_reasons(reading->dp, reasons, err);

		if (rc)
			return rc;
	}
	json_object_set_new(root, "drops", drops_json(reasons));
	return 0;
}

static int endpoint_counters(const struct reading *reading,
			     const struct endpoint *endpoint,
			     struct endpoint_stats *ret, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	/* Past the host nothing counts but the device. */
	if (!endpoint->host_ifname[0])
		device_counters(endpoint, ret);
	else if (reading->dp)
		return counters_endpoint(reading->dp, endpoint->slot, ret, err);
	return 0;
}

static int read_endpoints(const struct reading *reading, json_t *root,
			  struct err *err)
{
	const struct model *model = reading->model;
	json_t *list = json_array();

	json_object_set_new(root, "endpoints", list);
	for (size_t i = 0; i < model->nendpoints; i++) {
		const struct endpoint *endpoint = &model->endpoints[i];
		struct endpoint_stats stats;
		int rc = endpoint_counters(reading, endpoint, &stats, err);

		if (rc)
			return rc;
		json_array_append_new(
			list,
			json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:o}", "name",
				  endpoint->name, "network", endpoint->network,
				  "rx_packets", (json_int_t)stats.rx_packets,
				  "rx_bytes", (json_int_t)stats.rx_bytes,
				  "tx_packets", (json_int_t)stats.tx_packets,
				  "tx_bytes", (json_int_t)stats.tx_bytes,
				  "drops", drops_json(stats.reasons)));
	}
	return 0;
}

/* The sum over a network's endpoints. */
static int network_counters(const struct reading *reading, const char *name,
			    struct endpoint_stats *ret, struct err *err)
{
	const struct model *model = reading->model;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < model->nendpoints; i++) {
		struct endpoint_stats stats;
		int rc;

		if (strcmp(model->endpoints[i].network, name))
			continue;
		rc = endpoint_counters(reading, &model->endpoints[i], &stats,
				       err);
		if (rc)
			return rc;
		ret->rx_packets += stats.rx_packets;
		ret->rx_bytes += stats.rx_bytes;
		ret->tx_packets += stats.tx_packets;
		ret->tx_bytes += stats.tx_bytes;
		for (size_t why = 0; why < ARRAY_LEN(ret->reasons); why++)
			ret->reasons[why] += stats.reasons[why];
	}
	return 0;
}

static int read_networks(const struct reading *reading, json_t *root,
			 struct err *err)
{
	const struct model *model = reading->model;
	json_t *list = json_array();

	json_object_set_new(root, "networks", list);
	for (size_t i = 0; i < model->nnetworks; i++) {
		const char *name = model->networks[i].name;
		struct endpoint_stats stats;
		int rc = network_counters(reading, name, &stats, err);

		if (rc)
			return rc;
		json_array_append_new(
			list,
			json_pack("{s:s,s:I,s:I,s:I,s:I,s:o}", "name", name,
				  "rx_packets", (json_int_t)stats.rx_packets,
				  "rx_bytes", (json_int_t)stats.rx_bytes,
				  "tx_packets", (json_int_t)stats.tx_packets,
				  "tx_bytes", (json_int_t)stats.tx_bytes,
				  "drops", drops_json(stats.reasons)));
	}
	return 0;
}

static int read_ports(const struct reading *reading, json_t *root,
		      struct err *err)
{
	(void)err;
	json_object_set_new(
		root, "ports",
		port_array(reading->model, reading->dp, &reading->live));
	return 0;
}

static int read_rules(const struct reading *reading, json_t *root,
		      struct err *err)
{
	(void)err;
	json_object_set_new(
		root, "rules",
		policy_array(reading->model, reading->dp, &reading->live));
	return 0;
}

static int read_flows(const struct reading *reading, json_t *root,
		      struct err *err)
{
	struct flow_stats stats = { 0 };
	json_t *retries = json_array();
	int rc = 0;

	if (reading->dp)
		rc = counters_flows(reading->dp, &stats, err);
	for (size_t i = 0; i < SNAT_RETRY_BUCKETS; i++)
		json_array_append_new(retries,
				      json_integer(stats.snat_retries[i]));

	json_object_set_new(
		root, "flows",
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "established",
			  (json_int_t)reading->live.established, "embryonic",
			  (json_int_t)reading->live.embryonic, "max",
			  (json_int_t)reading->model->settings.flows_max,
			  "created", (json_int_t)stats.created, "expired",
			  (json_int_t)stats.expired, "full",
			  (json_int_t)stats.full));
	json_object_set_new(root, "snat",
			    json_pack("{s:I,s:I,s:o}", "allocated",
				      (json_int_t)stats.snat_allocated,
				      "failed", (json_int_t)stats.snat_failed,
				      "retries", retries));
	return rc;
}

static int read_maps(const struct reading *reading, json_t *root,
		     struct err *err)
{
	json_t *list = json_array();

	json_object_set_new(root, "maps", list);
	for (int map = 0; reading->dp && map < MAP_COUNT; map++) {
		struct map_usage usage;
		int rc = map_usage_get(reading->dp, map, &usage, err);

		if (rc)
			return rc;
		json_array_append_new(
			list, json_pack("{s:s,s:I,s:I,s:I}", "name", usage.name,
					"entries", (json_int_t)usage.entries,
					"max", (json_int_t)usage.max, "bytes",
					(json_int_t)usage.bytes));
	}
	return 0;
}

static const struct column endpoint_columns[] = {
	{ "name", false },	 { "network", false },
	{ "rx_packets", false }, { "rx_bytes", false },
	{ "tx_packets", false }, { "tx_bytes", false },
	{ "drops", false },	 { 0 },
};
static const struct column network_columns[] = {
	{ "name", false },
	{ "rx_packets", false },
	{ "rx_bytes", false },
	{ "tx_packets", false },
	{ "tx_bytes", false },
	{ "drops", false },
	{ 0 },
};
static const struct column map_columns[] = {
	{ "name", false },
	{ "entries", false },
	{ "max", false },
	{ "bytes", false },
	{ 0 },
};

/* Members of a JSON object, as lines of a table. */
static const struct column drop_columns[] = {
	{ "reason", false },
	{ "packets", false },
	{ "meaning", false },
	{ 0 },
};
static const struct column value_columns[] = {
	{ "name", false },
	{ "value", false },
	{ 0 },
};

static json_t *drop_lines(const struct cli *cli, const json_t *root)
{
	const json_t *drops = json_object_get(root, "drops");
	json_t *lines = json_array();

	(void)cli;
	for (int why = REASON_FIRST_DROP; why < REASON_COUNT; why++) {
		json_t *count = json_object_get(drops, reason_label[why]);

		if (json_integer_value(count))
			json_array_append_new(
				lines,
				json_pack("{s:s,s:O,s:s}", "reason",
					  reason_label[why], "packets", count,
					  "meaning", reason_text[why]));
	}
	return lines;
}

static json_t *flow_lines(const struct cli *cli, const json_t *root)
{
	static const char *const keys[] = { "flows", "snat" };
	json_t *lines = json_array();

	(void)cli;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		json_t *object = json_object_get(root, keys[i]);
		const char *name;
		json_t *value;
		char full[48];

		json_object_foreach(object, name, value)
		{
			snprintf(full, sizeof(full), "%s %s", keys[i], name);
			json_array_append_new(lines,
					      json_pack("{s:s,s:O}", "name",
							full, "value", value));
		}
	}
	return lines;
}

struct section {
	const char *name;
	bool in_all;
	/* Adds its keys to the root of the JSON. */
	int (*read)(const struct reading *reading, json_t *root,
		    struct err *err);
	/* For the table: the array of this key, or what lines makes. */
	const char *key;
	json_t *(*lines)(const struct cli *cli, const json_t *root);
	const struct column *columns;
};

static const struct section sections[] = {
	{ "network", false, read_networks, "networks", NULL, network_columns },
	{ "endpoint", true, read_endpoints, "endpoints", NULL,
	  endpoint_columns },
	{ "port", false, read_ports, NULL, port_lines, port_columns },
	{ "policy", false, read_rules, "rules", NULL, policy_columns },
	{ "drops", true, read_drops, NULL, drop_lines, drop_columns },
	{ "flows", true, read_flows, NULL, flow_lines, value_columns },
	{ "maps", true, read_maps, "maps", NULL, map_columns },
};

static bool section_wanted(const struct section *section, const char *name)
{
	return strcmp(name, "all") ? !strcmp(name, section->name) :
				     section->in_all;
}

static int print_tables(const struct cli *cli, const json_t *root,
			const char *name, struct err *err)
{
	bool first = true;
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(sections); i++) {
		const struct section *section = &sections[i];
		json_t *lines;

		if (!section_wanted(section, name))
			continue;
		lines = section->key ? json_incref(json_object_get(
					       root, section->key)) :
				       section->lines(cli, root);
		if (json_array_size(lines) && !first)
			putchar('\n');
		first = first && !json_array_size(lines);
		rc = output_list(cli, json_pack("{s:o}", "lines", lines),
				 "lines", section->columns, err);
	}
	return rc;
}

static int stats_once(const struct cli *cli, const char *name, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	struct reading reading = { 0 };
	json_t *root = NULL;
	int rc;

	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (rc)
		return rc;
	reading.model = control_model(control);
	reading.dp = control_datapath(control);
	rc = live_read(reading.dp, &reading.live, err);
	if (rc)
		return rc;

	root = output_root();
	for (size_t i = 0; !rc && i < ARRAY_LEN(sections); i++)
		if (section_wanted(&sections[i], name))
			rc = sections[i].read(&reading, root, err);
	live_free(&reading.live);
	if (!rc && cli->json)
		return output_json(cli, root, err);
	if (!rc)
		rc = print_tables(cli, root, name, err);
	json_decref(root);
	return rc;
}

#define SECTION_NAMES "network, endpoint, port, policy, drops, flows, maps"

static int check_section(const struct cli *cli, const char *name,
			 struct err *err)
{
	bool all = !strcmp(name, "all");

	if (all && !cli->columns)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (!strcmp(sections[i].name, name))
			return output_check_columns(cli, sections[i].columns,
						    err);
	if (all)
		err_usage(err, "the tables have other columns each");
	else
		err_usage(err, "unknown section '%s'", name);
	err_hint(err, all ? "one of " SECTION_NAMES : "all, " SECTION_NAMES);
	return -EINVAL;
}

/* What name is short for, or name. */
static const char *section_of(const char *name)
{
	const char *found = strncmp("all", name, strlen(name)) ? NULL : "all";

	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		if (strncmp(sections[i].name, name, strlen(name)) != 0)
			continue;
		if (found)
			return name;
		found = sections[i].name;
	}
	return found ? found : name;
}

int cmd_stats(struct cli *cli, struct args *args, struct err *err)
{
	const char *name = args_next(args);
	int rc;

	name = name ? section_of(name) : "all";
	if (args_end(args, err) || check_section(cli, name, err))
		return -EINVAL;

	for (;;) {
		rc = stats_once(cli, name, err);
		if (rc || !cli->watch_seconds)
			return rc;
		/* Whoever reads this may have gone. */
		rc = output_finish(err);
		if (rc)
			return rc;
		sleep(cli->watch_seconds);
		if (!cli->json)
			putchar('\n');
	}
}
