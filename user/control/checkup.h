/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* checkup - is an instance as its record says, and what is in its way? */
#ifndef BPFNET_CHECKUP_H
#define BPFNET_CHECKUP_H

#include "control/control.h"
#include "control/report.h"

/* Needs CONTROL_CHECK. Changes nothing. */
int control_check(struct control *control, struct report *report,
		  struct err *err);

/* Needs CONTROL_MEND, which has put right already what every command puts right
 * when it opens an instance. Repairs the rest that is bpfnet's own; what could
 * not be repaired is a warning, and for the next check to find. */
int control_mend(struct control *control, struct err *err);

#endif
