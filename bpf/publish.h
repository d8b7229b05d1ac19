/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* publish - the published port behind an address of the host */
#ifndef BPFNET_BPF_PUBLISH_H
#define BPFNET_BPF_PUBLISH_H

#include "maps.h"
#include "pkt.h"

/* The published port that answers on exactly this address. */
static __always_inline struct publish_val *
publish_find_at(const struct ipaddr *host, __be16 port, __u8 proto)
{
	struct publish_key key = { .host = *host,
				   .port = port,
				   .proto = proto };

	return bpf_map_lookup_elem(&bn_publish, &key);
}

/* The one that answers on host:port, which is the host's own: the exact address
 * before any address of the host. */
static __always_inline struct publish_val *
publish_find(const struct ipaddr *host, __be16 port, __u8 proto)
{
	struct publish_val *publish = publish_find_at(host, port, proto);
	struct ipaddr any = {};

	if (publish)
		return publish;
	if (ipaddr_is_v4(host))
		any = ipaddr_v4(0);
	return publish_find_at(&any, port, proto);
}

static __always_inline bool publish_admits(const struct publish_val *publish,
					   const struct ipaddr *client)
{
	struct publish_from_key key = {
		.prefix_bits = 32 + 128,
		.publish = publish->id,
		.addr = *client,
	};

	if (!(publish->flags & PUBLISH_HAS_FROM))
		return true;
	return prefix_admits(bpf_map_lookup_elem(&bn_pub_from, &key), client);
}

#endif
