/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* exec - runs a command inside a network namespace */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli/change.h"
#include "cli/options.h"
#include "kernel/netns.h"

/* Makes --dns the namespace's one server, as `netns add` would have. */
static int dns_set(const struct cli *cli, const char *name, struct err *err)
{
	_cleanup_change_ struct change change = { 0 };
	struct netns *netns;
	int rc = change_open(cli, &change, err);

	if (rc)
		return rc;
	netns = model_find_netns(&change.desired, name);
	if (!netns) {
		err_set(err, -ENOENT, "no netns '%s'", name);
		err_hint(err, "--dns needs one of 'bpfnet netns list'");
		return -ENOENT;
	}
	memset(netns->dns, 0, sizeof(netns->dns));
	netns->dns[0] = cli->dns;
	netns->ndns = 1;
	return change_commit(cli, &change, err);
}

int cmd_exec(struct cli *cli, struct args *args, struct err *err)
{
	const char *netns, *command;
	int rc;

	if (args_take(args, "NETNS", &netns, err) ||
	    args_take(args, "COMMAND", &command, err))
		return -EINVAL;
	if (cli->given & OPTION_DNS) {
		rc = dns_set(cli, netns, err);
		if (rc)
			return rc;
	}

	/* The command gets back what we changed for ourselves. */
	signal(SIGPIPE, SIG_DFL);
	fflush(stdout);
	rc = netns_exec(netns, cli->root, args->word + args->at - 1, err);
	signal(SIGPIPE, SIG_IGN);
	return rc;
}
