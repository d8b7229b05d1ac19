/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sync - fills the datapath's tables from a model, or compares them with it */
#ifndef BPFNET_SYNC_H
#define BPFNET_SYNC_H

#include "control/host.h"
#include "datapath/datapath.h"

/*
 * Makes the content of every table what the model says: endpoints, addresses,
 * networks, subnets, the host's own addresses, uplinks, published ports, rules
 * and settings. What is already right is written again with the same value,
 * which no packet can notice. In the end both generations are counted up, so
 * every flow is decided again on its next packet.
 *
 * Endpoints whose device the host does not have are left out.
 *
 * before: the model that the tables were filled from; NULL when it is not known,
 * or nobody knows what became of them since. With it, the published ports are
 * compared with that model's instead of with their table, which is the largest.
 */
int sync_tables(struct datapath *dp, const struct model *model,
		const struct model *before, const struct host *host,
		struct err *err);

/* What sync_tables would change in each map. Of the settings (MAP_CONFIG) and of
 * the policy, all of it under MAP_POLICY, only how much. Nothing is written. */
int sync_compare(struct datapath *dp, const struct model *model,
		 const struct host *host,
		 struct table_differ ret_differ[MAP_COUNT], struct err *err);

/* The settings that a datapath was filled with. What it does not know stays as
 * it is. */
int settings_from_config(const struct datapath_config *config,
			 struct settings *settings, struct err *err);

/* Only what follows from the host's addresses: locals and uplinks. */
int sync_host(struct datapath *dp, const struct model *model,
	      const struct host *host, struct err *err);

/* How many elements of bn_publish the model takes. */
size_t sync_publish_count(const struct model *model);

#endif
