/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* nl_internal - the reading of answers, apart from sockets, for its tests */
#ifndef BPFNET_NL_INTERNAL_H
#define BPFNET_NL_INTERNAL_H

#include <stdbool.h>

#include "kernel/nl.h"

/* One request's answer so far. Zero-initialise, then fill the first part. */
struct reply {
	__u32 seq;
	mnl_cb_t visit; /* NULL: answers other than the ACK are ignored */
	void *arg;
	struct err *err;

	int code; /* of the ACK, or what went wrong: 0 or -errno */
	bool is_done; /* nothing more will come */
	bool has_stopped; /* visit wants no more */
	bool is_torn; /* the kernel's table changed while it was dumped */
};

/* Takes one datagram. Messages of other requests are skipped. */
void reply_read(struct reply *reply, const void *buf, size_t len);

#endif
