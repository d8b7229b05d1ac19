/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* listener - ports that processes of a network namespace serve */
#ifndef BPFNET_LISTENER_H
#define BPFNET_LISTENER_H

#include "lib/ip.h"

struct listener {
	__u8 proto; /* IPPROTO_TCP or IPPROTO_UDP */
	__u16 port;
	struct ipaddr ip; /* or any */
};

/* Calls visit for each TCP socket that listens in the caller's network namespace
 * and each UDP socket that anybody may send to. What cannot be read has none. */
void listener_each(void (*visit)(const struct listener *listener, void *arg),
		   void *arg);

#endif
