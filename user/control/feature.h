/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* feature - what this kernel offers to bpfnet as a whole */
#ifndef BPFNET_FEATURE_H
#define BPFNET_FEATURE_H

#include "datapath/datapath.h"

/* probe_each, and what programs and maps have no part in. */
void feature_each(void (*visit)(const struct probe_info *info,
				enum probe_answer answer, void *arg),
		  void *arg);

#endif
