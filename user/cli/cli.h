/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cli - what every command gets: the options, and the commands themselves */
#ifndef BPFNET_CLI_H
#define BPFNET_CLI_H

#include <stdbool.h>

#include "cli/args.h"
#include "control/control.h"
#include "lib/err.h"

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* Strings are borrowed from argv or the environment. */
struct cli {
	struct instance instance;
	bool json;
	bool pretty;
	bool dry_run;
	bool quiet;
	bool help;
	bool version;
	int verbose;
	enum color_mode color;
	const char *columns;

	unsigned int given; /* local options seen, enum option_local */
	const char *file;
	bool prune;
	unsigned int watch_seconds; /* 0: once */
	bool fix;
	__u32 confirm_seconds; /* 0: no confirmation is asked for */
	const char *root;
	struct ipaddr dns;
	bool drop_flows;
};

/* The whole program. Returns the exit code. */
int cli_main(int argc, char **argv);

/*
 * The commands, one file per object. They take their own words from args and
 * return 0, an exit code that needs no message (1..8), or -errno with err.
 */
int cmd_netns_add(struct cli *cli, struct args *args, struct err *err);
int cmd_netns_del(struct cli *cli, struct args *args, struct err *err);
int cmd_netns_list(struct cli *cli, struct args *args, struct err *err);

int cmd_network_add(struct cli *cli, struct args *args, struct err *err);
int cmd_network_set(struct cli *cli, struct args *args, struct err *err);
int cmd_network_del(struct cli *cli, struct args *args, struct err *err);
int cmd_network_list(struct cli *cli, struct args *args, struct err *err);
int cmd_network_show(struct cli *cli, struct args *args, struct err *err);

int cmd_endpoint_attach(struct cli *cli, struct args *args, struct err *err);
int cmd_endpoint_detach(struct cli *cli, struct args *args, struct err *err);
int cmd_endpoint_list(struct cli *cli, struct args *args, struct err *err);
int cmd_endpoint_show(struct cli *cli, struct args *args, struct err *err);

int cmd_port_publish(struct cli *cli, struct args *args, struct err *err);
int cmd_port_unpublish(struct cli *cli, struct args *args, struct err *err);
int cmd_port_list(struct cli *cli, struct args *args, struct err *err);

int cmd_policy_add(struct cli *cli, struct args *args, struct err *err);
int cmd_policy_del(struct cli *cli, struct args *args, struct err *err);
int cmd_policy_list(struct cli *cli, struct args *args, struct err *err);
int cmd_policy_default(struct cli *cli, struct args *args, struct err *err);

int cmd_uplink_add(struct cli *cli, struct args *args, struct err *err);
int cmd_uplink_del(struct cli *cli, struct args *args, struct err *err);
int cmd_uplink_list(struct cli *cli, struct args *args, struct err *err);

int cmd_exec(struct cli *cli, struct args *args, struct err *err);
int cmd_apply(struct cli *cli, struct args *args, struct err *err);
int cmd_confirm(struct cli *cli, struct args *args, struct err *err);
int cmd_rollback(struct cli *cli, struct args *args, struct err *err);
int cmd_diff(struct cli *cli, struct args *args, struct err *err);
int cmd_export(struct cli *cli, struct args *args, struct err *err);
int cmd_stats(struct cli *cli, struct args *args, struct err *err);
int cmd_flow_list(struct cli *cli, struct args *args, struct err *err);
int cmd_flow_count(struct cli *cli, struct args *args, struct err *err);
int cmd_flow_del(struct cli *cli, struct args *args, struct err *err);
int cmd_gc(struct cli *cli, struct args *args, struct err *err);
int cmd_upgrade(struct cli *cli, struct args *args, struct err *err);
int cmd_check(struct cli *cli, struct args *args, struct err *err);
int cmd_purge(struct cli *cli, struct args *args, struct err *err);
int cmd_feature(struct cli *cli, struct args *args, struct err *err);
int cmd_agent_run(struct cli *cli, struct args *args, struct err *err);
int cmd_agent_status(struct cli *cli, struct args *args, struct err *err);
int cmd_completion_bash(struct cli *cli, struct args *args, struct err *err);
int cmd_help(struct cli *cli, struct args *args, struct err *err);

#endif
