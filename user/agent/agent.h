/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* agent - the background process of one instance */
#ifndef BPFNET_AGENT_H
#define BPFNET_AGENT_H

#include "control/control.h"

/* Runs until SIGTERM or SIGINT. 0 or -errno. */
int agent_run(const struct instance *instance, struct err *err);

#endif
