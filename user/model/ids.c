/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ids - free numbers and device names for new objects */
#include "model/ids.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum id_state {
	ID_IN_ACTUAL = 1 << 0,
	ID_IN_DESIRED = 1 << 1,
};

/* "-" and the digits that tell shortened device names apart. */
#define HASH_DIGITS 6
#define HASH_LEN (1 + HASH_DIGITS)

int ids_make(__u32 max, struct ids *ret)
{
	struct ids ids = { .max = max, .next = 1 };

	ids.state = calloc(max, sizeof(*ids.state));
	if (!ids.state)
		return -ENOMEM;
	*ret = ids;
	return 0;
}

void ids_free(struct ids *ids)
{
	free(ids->state);
	*ids = (struct ids){};
}

void ids_take_actual(struct ids *ids, __u32 id)
{
	if (!id || id >= ids->max)
		return;
	ids->state[id] |= ID_IN_ACTUAL;
	if (id <= ids->highest)
		return;
	ids->highest = id;
	ids->next = id + 1 < ids->max ? id + 1 : 1;
}

void ids_take_desired(struct ids *ids, __u32 id)
{
	if (id && id < ids->max)
		ids->state[id] |= ID_IN_DESIRED;
}

static __u32 ids_find(const struct ids *ids, __u8 avoid)
{
	__u32 id = ids->next;

	for (__u32 i = 1; i < ids->max; i++) {
		if (!(ids->state[id] & avoid))
			return id;
		id = id + 1 < ids->max ? id + 1 : 1;
	}
	return 0;
}

__u32 ids_next(struct ids *ids)
{
	__u32 id = ids_find(ids, ID_IN_ACTUAL | ID_IN_DESIRED);

	if (!id)
		id = ids_find(ids, ID_IN_DESIRED);
	if (!id)
		return 0;
	ids_take_desired(ids, id);
	ids->next = id + 1 < ids->max ? id + 1 : 1;
	return id;
}

void device_name_make(const char *prefix, const char *name, struct index *taken,
		      char ret[IFNAMSIZ])
{
	int room = IFNAMSIZ - 1 - (int)strlen(prefix) - HASH_LEN;
	uint64_t salt = 0;
	uint64_t hash;
	int len;

	len = snprintf(ret, IFNAMSIZ, "%s%s", prefix, name);
	while (len >= IFNAMSIZ || index_add(taken, ret, strlen(ret), ret)) {
		hash = hash_bytes(name, strlen(name), salt++);
		len = snprintf(ret, IFNAMSIZ, "%s%.*s-%06" PRIx64, prefix, room,
			       name, hash & 0xffffff);
	}
}

void mac_make(const char *kind, const char *name, __u8 ret[6])
{
	uint64_t hash = hash_bytes(name, strlen(name),
				   hash_bytes(kind, strlen(kind), 0));

	ret[0] = 0x02;
	for (int i = 1; i < 6; i++) {
		ret[i] = (__u8)hash;
		hash >>= 8;
	}
}
