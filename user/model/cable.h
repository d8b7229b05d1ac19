/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cable - who holds the ends of networks of type p2p */
#ifndef BPFNET_CABLE_H
#define BPFNET_CABLE_H

#include "model/index.h"
#include "model/model.h"

/*
 * A network of type p2p is one cable. While it has one endpoint, the host holds
 * the other end, with the gateway's addresses. With two endpoints the cable
 * leads from one namespace to the other, and the host has no part in it: there
 * is no device of it there, no gateway, and no program sees what passes. A
 * gateway that the user named says that the host holds its end for good.
 *
 * In a filled model, the endpoints without host_ifname are those that the host
 * has no part in.
 */
struct cable {
	size_t count; /* of endpoints; more than two are a conflict */
	const struct endpoint *ends[2];
};

/* Borrows the model's arrays, which must not move while it lives. */
struct cables {
	struct index networks;
	struct cable *list;
};

int cables_make(const struct model *m, struct cables *ret); /* 0 or -ENOMEM */
void cables_free(struct cables *cables);
/* NULL: no network of that name, or none of type p2p. */
const struct cable *cables_find(const struct cables *cables,
				const char *network);

/* Is there an end left for each endpoint? The first one in err: conflict/4. e
 * is one of m, which the cables were made from. */
int cable_check_end(const struct model *m, const struct cables *cables,
		    const struct endpoint *e, struct err *err);
int cables_check(const struct model *m, const struct cables *cables,
		 struct err *err);

/* Does the cable leave the host out? False for NULL. */
bool cable_is_direct(const struct cable *cable);

/* The endpoint at the other end of e's cable; NULL: the host, or no cable. */
struct endpoint *cable_find_other(const struct model *m,
				  const struct endpoint *e);

#define _cleanup_cables_ __attribute__((cleanup(cables_free)))

#endif
