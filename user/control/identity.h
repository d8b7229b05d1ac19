/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* identity - is a namespace the one that an object was made in? */
#ifndef BPFNET_IDENTITY_H
#define BPFNET_IDENTITY_H

#include "model/model.h"

/*
 * A name, a path or a process id can lead to another namespace than before, as
 * `ip netns del X && ip netns add X` does it. What apply has found is recorded,
 * as a cookie that the kernel gives to no other namespace; where none is (in
 * records of older versions), the name decides.
 *
 * To read a cookie takes a thread that goes there. Where a name is still the same
 * mount, nobody has to ask.
 */
enum identity {
	IDENTITY_SAME,
	IDENTITY_LOST, /* nothing leads there; it may live on without a name */
	IDENTITY_REPLACED, /* the name now means another namespace */
};

enum identity identity_of_endpoint(const struct endpoint *endpoint);
enum identity identity_of_netns(const struct netns *netns);

/* The endpoint's namespace as a descriptor. -ENOENT: it is gone, or another one
 * has its name. */
int identity_open(const struct endpoint *endpoint, struct err *err);

/* Records which one the name leads to; zero when that cannot be said. */
void identity_take(struct endpoint *endpoint);
void identity_take_netns(struct netns *netns);

#endif
