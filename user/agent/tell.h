/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tell - what rules with "log" have decided, as lines of the agent's log */
#ifndef BPFNET_TELL_H
#define BPFNET_TELL_H

#include <bpfnet/abi.h>

#include "model/model.h"

#define EVENT_TEXT_MAX 384

/* "rule 'a-b' denies tcp 10.0.0.2:4000 (web) > 10.0.0.3:80 (api)"; model (may
 * be NULL) has the names. Returns buf. */
const char *event_print(const struct event *event, const struct model *model,
			char buf[EVENT_TEXT_MAX]);

#endif
