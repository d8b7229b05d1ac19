/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* port - published ports with their counters, for `port list` and `stats` */
#ifndef BPFNET_CLI_PORT_H
#define BPFNET_CLI_PORT_H

#include "cli/live.h"
#include "cli/output.h"

extern const struct column port_columns[];

/* packets and bytes: towards the container. */
json_t *port_array(const struct model *model, struct datapath *dp,
		   const struct live *live);

/* Of root's "ports", for a table: what publishes a range shows all of it where
 * nobody has named the columns, of which "port_last" is one. */
json_t *port_lines(const struct cli *cli, const json_t *root);

#endif
