/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* events - the ring buffer of what rules log */
#include "datapath/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

struct events {
	struct ring_buffer *ring;
	event_visitor visit;
	void *arg;
	__u32 map_id;
};

static int on_record(void *arg, void *record, size_t size)
{
	struct events *events = arg;

	if (size >= sizeof(struct event))
		events->visit(record, events->arg);
	return 0;
}

static __u32 map_id(const struct datapath *dp)
{
	struct bpf_map_info info;

	return map_info(dp->maps[MAP_EVENTS], &info) ? 0 : info.id;
}

int events_open(const struct datapath *dp, event_visitor visit, void *arg,
		struct events **ret, struct err *err)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return err_set(err, -ENOMEM, "out of memory");
	events->visit = visit;
	events->arg = arg;
	events->map_id = map_id(dp);
	events->ring =
		ring_buffer__new(dp->maps[MAP_EVENTS], on_record, events, NULL);
	if (!events->ring) {
		int rc = -errno;

		free(events);
		return err_set(err, rc, "read map 'bn_events': %s",
			       strerror(-rc));
	}
	*ret = events;
	return 0;
}

void events_close(struct events *events)
{
	if (!events)
		return;
	ring_buffer__free(events->ring);
	free(events);
}

int events_fd(const struct events *events)
{
	return ring_buffer__epoll_fd(events->ring);
}

int events_read(struct events *events, struct err *err)
{
	int rc = ring_buffer__consume(events->ring);

	return rc < 0 ? err_set(err, rc, "read map 'bn_events': %s",
				strerror(-rc)) :
			0;
}

bool events_are_of(const struct events *events, const struct datapath *dp)
{
	return events->map_id == map_id(dp);
}
