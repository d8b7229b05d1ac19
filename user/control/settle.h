/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* settle - flows of endpoints that are gone for good are ended */
#ifndef BPFNET_SETTLE_H
#define BPFNET_SETTLE_H

#include "datapath/datapath.h"
#include "model/model.h"

/* Flows end late: an endpoint that an undo brings back has all of its
 * connections, and only what has succeeded cannot be undone. dp NULL: there are
 * none. A failure is a warning, and returned. */
int settle_endpoint(struct datapath *dp, const struct endpoint *endpoint);

/* The flows of all endpoints that the model has not, where a process died
 * before it came to end them. */
int settle_orphans(struct datapath *dp, const struct model *model);

#endif
