/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ids - free numbers and device names for new objects */
#ifndef BPFNET_IDS_H
#define BPFNET_IDS_H

#include <net/if.h>

#include "model/index.h"
#include "model/model.h"

/* Numbers 1..max-1 of one kind of object. */
struct ids {
	__u8 *state; /* enum id_state of each number, or'ed */
	__u32 max;
	__u32 highest; /* of the model that exists */
	__u32 next; /* where the search for a free one starts */
};

/* 0 or -ENOMEM. */
int ids_make(__u32 max, struct ids *ret);
void ids_free(struct ids *ids);
/* Marks a number as held by an object of the model that exists, which also
 * moves the start of the search behind it, or of the one that is wanted. */
void ids_take_actual(struct ids *ids, __u32 id);
void ids_take_desired(struct ids *ids, __u32 id);
/*
 * A number that neither model holds; when there is none, one that only the
 * existing model holds, since what goes is removed before what comes is made.
 * 0: none left.
 */
__u32 ids_next(struct ids *ids);

/* prefix + name, or as much of it as fits and a hash; unique in taken, to
 * which it is added: ret must not move while taken lives. */
void device_name_make(const char *prefix, const char *name, struct index *taken,
		      char ret[IFNAMSIZ]);

/* A locally administered unicast MAC that depends on nothing but the texts. */
void mac_make(const char *kind, const char *name, __u8 ret[6]);

#define _cleanup_ids_ __attribute__((cleanup(ids_free)))

#endif
