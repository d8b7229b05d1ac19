/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* agent - starting the agent, asking whether one runs */
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>

#include "cli/change.h"
#include "cli/output.h"
#include "lib/log.h"

int cmd_agent_run(struct cli *cli, struct args *args, struct err *err)
{
	if (args_end(args, err))
		return -EINVAL;
	/* Its lines are a journal, not answers to somebody who waits. */
	if (!cli->quiet && !cli->verbose)
		log_set_level(LOG_LEVEL_INFO);
	return agent_run(&cli->instance, err);
}

/* Seconds since the agent's last sign of life; -1: there was none. */
static int64_t heartbeat_age(struct datapath *dp)
{
	__u32 last;

	if (!dp)
		return -1;
	last = __atomic_load_n(&datapath_config(dp)->heartbeat,
			       __ATOMIC_RELAXED);
	if (!last)
		return -1;
	return ((int64_t)(__u32)(datapath_now() - last) << FLOW_TICK_SHIFT) /
	       1000000000;
}

int cmd_agent_status(struct cli *cli, struct args *args, struct err *err)
{
	_cleanup_control_ struct control *control = NULL;
	bool running;
	int64_t age;
	int rc;

	if (args_end(args, err))
		return -EINVAL;
	rc = control_open(&cli->instance, CONTROL_READ, &control, err);
	if (rc)
		return rc;

	age = heartbeat_age(control_datapath(control));
	running = age >= 0 && age <= HEARTBEAT_STALE_TICKS;
	if (cli->json)
		rc = output_json(cli,
				 json_pack("{s:s,s:{s:b,s:I}}", "schema",
					   "bpfnet/1", "agent", "running",
					   running, "heartbeat_age_s",
					   (json_int_t)age),
				 err);
	else if (age < 0)
		output_done(cli, "agent: not running");
	else
		output_done(cli,
			    "agent: %s, last sign of life %" PRId64 " s ago",
			    running ? "running" : "not running", age);
	if (rc)
		return rc;
	return running ? EXIT_OK : EXIT_NOT_FOUND;
}
