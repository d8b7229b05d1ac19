/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* table - every object and command, with the words that usage shows */
#include <stddef.h>

/*
 * The one place where a command is told: usage, the completion and what
 * bpfnet(8) has to say come from here. How args are written is in grammar.c;
 * its words in capitals also tell the completion what exists: NETWORK is the
 * name of one, NAME is new.
 */

#include "cli/command.h"
#include "cli/options.h"

static const struct command netns_commands[] = {
	{ "add", "create new", "NAME [dns IP]...",
	  "makes an isolated network namespace", 0, false, cmd_netns_add,
	  NULL },
	{ "del", "delete rm remove", "NETNS", "removes a network namespace", 0,
	  false, cmd_netns_del, NULL },
	{ "list", "ls show", "", "lists the network namespaces", 0, false,
	  cmd_netns_list, NULL },
	{ 0 },
};

static const struct command network_commands[] = {
	{ "add", "create new",
	  "NAME [type bridge|p2p] [subnet CIDR]... [gateway IP]... [range A-B] "
	  "[internal] [icc on|off] [mtu N] [masquerade on|off] "
	  "[mode nat|routed] [snat to IP]... [no-masq CIDR]...",
	  "makes a network; without subnet it gets a free one", 0, false,
	  cmd_network_add, NULL },
	{ "set", "change",
	  "NETWORK [internal on|off] [icc on|off] [mtu N] [masquerade on|off] "
	  "[mode nat|routed] [snat to IP|none]... [no-masq CIDR|none]...",
	  "changes a network while its endpoints go on", 0, false,
	  cmd_network_set, NULL },
	{ "del", "delete rm remove", "NETWORK",
	  "removes a network that has no endpoints", 0, false, cmd_network_del,
	  NULL },
	{ "list", "ls", "", "lists the networks", 0, false, cmd_network_list,
	  NULL },
	{ "show", NULL, "[NETWORK]", "shows one network", 0, false,
	  cmd_network_show, NULL },
	{ 0 },
};

static const struct command endpoint_commands[] = {
	{ "attach", "add",
	  "NETNS NETWORK [name NAME] [ifname NAME] [ip IP]... [mac MAC] "
	  "[default-route on|off]",
	  "connects a namespace (NAME, created if absent; /PATH; pid:N)", 0,
	  false, cmd_endpoint_attach, NULL },
	{ "detach", "del delete rm remove", "ENDPOINT",
	  "disconnects it and ends its published ports", 0, false,
	  cmd_endpoint_detach, NULL },
	{ "list", "ls", "", "lists the endpoints", 0, false, cmd_endpoint_list,
	  NULL },
	{ "show", NULL, "[ENDPOINT]", "shows one endpoint", 0, false,
	  cmd_endpoint_show, NULL },
	{ 0 },
};

static const struct command port_commands[] = {
	{ "publish", "add",
	  "[HOSTIP:]PORT[-PORT][/tcp|udp] ENDPOINT[:PORT] [from CIDR]...",
	  "makes an endpoint's port reachable at the host's addresses", 0,
	  false, cmd_port_publish, NULL },
	{ "unpublish", "del delete rm remove", "SPEC",
	  "ends that; SPEC: as it was published, [HOSTIP:]PORT[-PORT][/udp]", 0,
	  false, cmd_port_unpublish, NULL },
	{ "list", "ls show", "", "lists the published ports", 0, false,
	  cmd_port_list, NULL },
	{ 0 },
};

static const struct command policy_commands[] = {
	{ "add", "create new",
	  "[name NAME] [before RULE|after RULE] from SEL to SEL "
	  "[proto tcp|udp|icmp|icmpv6|any] [port A[-B]]... "
	  "allow|deny|reject [log]",
	  "adds a rule; SEL: an endpoint, net:NAME, CIDR, host, world, any", 0,
	  false, cmd_policy_add, NULL },
	{ "del", "delete rm remove", "RULE", "removes a rule", 0, false,
	  cmd_policy_del, NULL },
	{ "list", "ls show", "", "lists the rules in order and the defaults", 0,
	  false, cmd_policy_list, NULL },
	{ "default", NULL, "[intra allow|deny] [inter allow|deny]",
	  "what happens where no rule matches: inside, between networks", 0,
	  false, cmd_policy_default, NULL },
	{ 0 },
};

static const struct command uplink_commands[] = {
	{ "add", NULL, "IFNAME [snat IP]...",
	  "uses a device as the way out; without any, the default route's", 0,
	  false, cmd_uplink_add, NULL },
	{ "del", "delete rm remove", "UPLINK", "stops using it", 0, false,
	  cmd_uplink_del, NULL },
	{ "list", "ls show", "", "lists the uplinks", 0, false, cmd_uplink_list,
	  NULL },
	{ 0 },
};

#define FLOW_FILTER                                            \
	"[endpoint ENDPOINT] [proto tcp|udp|icmp|icmpv6|any] " \
	"[src CIDR] [dst CIDR] [port N] "                      \
	"[state syn-sent|syn-recv|established|closing|reset|one-way|two-way]"

static const struct command flow_commands[] = {
	{ "list", "ls show", FLOW_FILTER,
	  "lists connections as the datapath knows them", 0, false,
	  cmd_flow_list, NULL },
	{ "count", NULL, "[by endpoint|state|proto] " FLOW_FILTER,
	  "counts them", 0, false, cmd_flow_count, NULL },
	{ "del", "delete rm remove", FLOW_FILTER,
	  "ends them; needs at least one word", 0, false, cmd_flow_del, NULL },
	{ 0 },
};

static const struct command agent_commands[] = {
	{ "run", NULL, "", "watches links and routes, expires flows", 0, true,
	  cmd_agent_run, NULL },
	{ "status", NULL, "", "exit 0 when an agent is running, else 3", 0,
	  false, cmd_agent_status, NULL },
	{ 0 },
};

static const struct command completion_commands[] = {
	{ "bash", NULL, "", "prints the completion for bash", 0, false,
	  cmd_completion_bash, NULL },
	{ 0 },
};

const struct command command_table[] = {
	{ "netns", NULL, "", "network namespaces", 0, false, NULL,
	  netns_commands },
	{ "network", "net", "", "bridges with their subnets", 0, false, NULL,
	  network_commands },
	{ "endpoint", "ep", "", "a namespace's place in a network", 0, false,
	  NULL, endpoint_commands },
	{ "port", NULL, "", "published ports", 0, false, NULL, port_commands },
	{ "policy", NULL, "", "who may talk to whom", 0, false, NULL,
	  policy_commands },
	{ "uplink", "up", "", "the host's ways out", 0, false, NULL,
	  uplink_commands },
	{ "exec", NULL, "NETNS [--root DIR] [--dns IP] -- COMMAND [WORD]...",
	  "runs a command inside a namespace", OPTION_ROOT | OPTION_DNS, true,
	  cmd_exec, NULL },
	{ "apply", NULL, "-f FILE|- [--prune] [--confirm TIME]",
	  "makes what runs agree with a file",
	  OPTION_FILE | OPTION_PRUNE | OPTION_CONFIRM, false, cmd_apply, NULL },
	{ "confirm", NULL, "", "keeps what was applied until confirmed", 0,
	  true, cmd_confirm, NULL },
	{ "rollback", NULL, "", "goes back to the state before the last apply",
	  0, false, cmd_rollback, NULL },
	{ "diff", NULL, "-f FILE|- [--prune]",
	  "prints what apply would do; exit 5 when that is something",
	  OPTION_FILE | OPTION_PRUNE, false, cmd_diff, NULL },
	{ "export", NULL, "", "prints what runs as a file for apply", 0, false,
	  cmd_export, NULL },
	{ "stats", NULL,
	  "[all|network|endpoint|port|policy|drops|flows|maps] [-w SECONDS]",
	  "counters", OPTION_WATCH, false, cmd_stats, NULL },
	{ "flow", NULL, "", "connections", 0, false, NULL, flow_commands },
	{ "gc", NULL, "", "expires old flows once", 0, true, cmd_gc, NULL },
	{ "upgrade", NULL, "[--drop-flows]",
	  "replaces the programs that another build of bpfnet has loaded",
	  OPTION_DROP_FLOWS, false, cmd_upgrade, NULL },
	{ "check", NULL, "[--fix]",
	  "compares the instance with its record; exit 1 when that is not so",
	  OPTION_FIX, false, cmd_check, NULL },
	{ "purge", NULL, "", "removes all that the instance made", 0, false,
	  cmd_purge, NULL },
	{ "agent", NULL, "", "the background part", 0, false, NULL,
	  agent_commands },
	{ "feature", NULL, "",
	  "what this kernel offers, and what is used of it", 0, false,
	  cmd_feature, NULL },
	{ "completion", NULL, "", "scripts for shells", 0, false, NULL,
	  completion_commands },
	{ "help", NULL, "[OBJECT] [COMMAND]", "explains objects and commands",
	  0, false, cmd_help, NULL },
	{ 0 },
};
