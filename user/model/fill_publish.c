/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fill_publish - numbers for published ports */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/fill_internal.h"
#include "model/ids.h"
#include "model/index.h"

/*
 * What makes a publish the same one: everything but its clients. One that
 * leads elsewhere gets another id, so that its counters start at zero. Compared
 * as bytes, but for the endpoint.
 */
struct publish_mark {
	struct ipaddr host_ip;
	__u16 port, port_last, target_port;
	__u8 proto, any_host;
};

static struct publish_mark publish_mark(const struct publish *p)
{
	struct publish_mark key = {
		.port = p->port,
		.port_last = p->port_last,
		.target_port = p->target_port,
		.proto = p->proto,
		.any_host = p->any_host,
	};

	if (!p->any_host)
		key.host_ip = p->host_ip;
	return key;
}

/* Those without an id. */
struct open_publishes {
	struct index index;
	struct publish_mark *keys;
	size_t count;
};

static void open_free(struct open_publishes *open)
{
	index_free(&open->index);
	free(open->keys);
}

static int open_make(const struct model *desired, struct open_publishes *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < desired->npublishes; i++)
		count += !desired->publishes[i].id;
	ret->keys = calloc(count + 1, sizeof(*ret->keys));
	if (!ret->keys || index_make(count, &ret->index))
		return -ENOMEM;
	for (size_t i = 0; i < desired->npublishes; i++) {
		const struct publish *p = &desired->publishes[i];
		struct publish_mark *key = &ret->keys[ret->count];

		if (p->id)
			continue;
		*key = publish_mark(p);
		index_add(&ret->index, key, sizeof(*key), p);
		ret->count++;
	}
	return 0;
}

/* Which one of desired has no id and is this one of actual. */
static bool open_find(const struct open_publishes *open,
		      const struct model *desired, const struct publish *old,
		      size_t *ret_at)
{
	const struct publish_mark key = publish_mark(old);
	const struct publish *p = index_find(&open->index, &key, sizeof(key));

	if (!p || p->id || strcmp(p->endpoint, old->endpoint) != 0)
		return false;
	*ret_at = p - desired->publishes;
	return true;
}

/* Of ten thousand, mostly a few have no id: they are what is looked for. */
static int keep_publishes(struct model *desired, const struct model *actual,
			  struct ids *ids)
{
	__attribute__((cleanup(open_free))) struct open_publishes open = {};

	if (open_make(desired, &open))
		return -ENOMEM;
	for (size_t i = 0; i < actual->npublishes; i++) {
		const struct publish *old = &actual->publishes[i];
		size_t at;

		if (open.count && open_find(&open, desired, old, &at))
			desired->publishes[at].id = old->id;
		ids_take_actual(ids, old->id);
	}
	for (size_t i = 0; i < desired->npublishes; i++)
		ids_take_desired(ids, desired->publishes[i].id);
	return 0;
}

int fill_publishes(struct model *desired, const struct model *actual,
		   struct err *err)
{
	_cleanup_ids_ struct ids ids = {};

	if (ids_make(PUBLISH_MAX, &ids) ||
	    keep_publishes(desired, actual, &ids))
		return fill_no_memory(err);

	for (size_t i = 0; i < desired->npublishes; i++) {
		struct publish *p = &desired->publishes[i];

		if (!p->id)
			p->id = ids_next(&ids);
		if (!p->id)
			return fill_no_number(err, "published ports",
					      PUBLISH_MAX);
	}
	return 0;
}
