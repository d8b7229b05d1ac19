/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* served - warns of ports that are taken from processes of the host */
#ifndef BPFNET_SERVED_H
#define BPFNET_SERVED_H

#include "model/plan.h"

/* Logs a line for each port that the plan publishes and that somebody listens
 * at already. */
void served_warn(const struct plan *plan);

#endif
