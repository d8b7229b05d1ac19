/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* socket - the host's own processes reach published ports through sockets */

/*
 * A connection of the host to one of its own addresses never leaves through a
 * device that tc could watch. So the address is exchanged where the socket
 * asks for it: connect and sendmsg get the container's, and getpeername and
 * recvmsg show what was asked for. From there it is an ordinary connection from
 * the host to the container. There is no proxy, and 127.0.0.1 is never routed.
 *
 * The hooks sit on a cgroup and see the sockets of every namespace below it:
 * what is not in the host's own network namespace passes untouched.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <bpfnet/abi.h>

#include "maps.h"
#include "publish.h"

#define ALLOW 1

static __always_inline bool is_host_socket(struct bpf_sock_addr *ctx)
{
	const struct datapath_config *config = config_get();

	return config && bpf_get_netns_cookie(ctx) == config->netns_cookie;
}

static __always_inline struct ipaddr address4(const struct bpf_sock_addr *ctx)
{
	return ipaddr_v4(ctx->user_ip4);
}

static __always_inline struct ipaddr address6(const struct bpf_sock_addr *ctx)
{
	return (struct ipaddr){ { ctx->user_ip6[0], ctx->user_ip6[1],
				  ctx->user_ip6[2], ctx->user_ip6[3] } };
}

static __always_inline void set_address6(struct bpf_sock_addr *ctx,
					 const struct ipaddr *ip)
{
	ctx->user_ip6[0] = ip->word[0];
	ctx->user_ip6[1] = ip->word[1];
	ctx->user_ip6[2] = ip->word[2];
	ctx->user_ip6[3] = ip->word[3];
}

/* Who asks for the unspecified address is connected to the loopback one. */
static __always_inline void loopback_for_none(struct ipaddr *ip)
{
	if (ip->word[3])
		return;
	if (ipaddr_is_v4(ip))
		ip->word[3] = bpf_htonl(0x7f000001);
	else if (ipaddr_is_zero(ip))
		ip->word[3] = bpf_htonl(1);
}

/* 127.0.0.0/8 and ::1. */
static __always_inline bool is_loopback(const struct ipaddr *ip)
{
	if (ipaddr_is_v4(ip))
		return (ip->word[3] & bpf_htonl(0xff000000)) ==
		       bpf_htonl(0x7f000000);
	return !ip->word[0] && !ip->word[1] && !ip->word[2] &&
	       ip->word[3] == bpf_htonl(1);
}

/* The published port behind what the socket asks for, or NULL. The backend's
 * address and port are remembered for the way back. */
static __always_inline const struct publish_val *
service_find(struct bpf_sock_addr *ctx, struct ipaddr *service)
{
	__be16 port = ctx->user_port;
	__u8 proto = ctx->protocol;
	const struct publish_val *publish;
	struct peer_val asked = { .port = port };
	struct peer_key key = { .cookie = bpf_get_socket_cookie(ctx),
				.proto = proto };

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return NULL;
	loopback_for_none(service);
	if (!is_loopback(service) && !bpf_map_lookup_elem(&bn_locals, service))
		return NULL;
	publish = publish_find(service, port, proto);
	if (!publish)
		return NULL;

	asked.service = *service;
	key.backend = publish->backend;
	key.port = publish->backend_port;
	bpf_map_update_elem(&bn_peers, &key, &asked, BPF_ANY);
	return publish;
}

static __always_inline const struct peer_val *
asked_find(struct bpf_sock_addr *ctx, const struct ipaddr *backend)
{
	struct peer_key key = { .cookie = bpf_get_socket_cookie(ctx),
				.backend = *backend,
				.port = ctx->user_port,
				.proto = ctx->protocol };

	return bpf_map_lookup_elem(&bn_peers, &key);
}

static __always_inline int to_backend4(struct bpf_sock_addr *ctx)
{
	struct ipaddr service = address4(ctx);
	const struct publish_val *publish;

	if (!is_host_socket(ctx))
		return ALLOW;
	publish = service_find(ctx, &service);
	if (publish && ipaddr_is_v4(&publish->backend)) {
		ctx->user_ip4 = publish->backend.word[3];
		ctx->user_port = publish->backend_port;
	}
	return ALLOW;
}

static __always_inline int to_backend6(struct bpf_sock_addr *ctx)
{
	struct ipaddr service = address6(ctx);
	const struct publish_val *publish;

	if (!is_host_socket(ctx))
		return ALLOW;
	publish = service_find(ctx, &service);
	if (publish) {
		set_address6(ctx, &publish->backend);
		ctx->user_port = publish->backend_port;
	}
	return ALLOW;
}

static __always_inline int to_service4(struct bpf_sock_addr *ctx)
{
	struct ipaddr backend = address4(ctx);
	const struct peer_val *asked;

	if (!is_host_socket(ctx))
		return ALLOW;
	asked = asked_find(ctx, &backend);
	if (asked) {
		ctx->user_ip4 = asked->service.word[3];
		ctx->user_port = asked->port;
	}
	return ALLOW;
}

static __always_inline int to_service6(struct bpf_sock_addr *ctx)
{
	struct ipaddr backend = address6(ctx);
	const struct peer_val *asked;

	if (!is_host_socket(ctx))
		return ALLOW;
	asked = asked_find(ctx, &backend);
	if (asked) {
		set_address6(ctx, &asked->service);
		ctx->user_port = asked->port;
	}
	return ALLOW;
}

SEC("cgroup/connect4")
int bn_connect4(struct bpf_sock_addr *ctx)
{
	return to_backend4(ctx);
}

SEC("cgroup/connect6")
int bn_connect6(struct bpf_sock_addr *ctx)
{
	return to_backend6(ctx);
}

SEC("cgroup/sendmsg4")
int bn_sendmsg4(struct bpf_sock_addr *ctx)
{
	return to_backend4(ctx);
}

SEC("cgroup/sendmsg6")
int bn_sendmsg6(struct bpf_sock_addr *ctx)
{
	return to_backend6(ctx);
}

SEC("cgroup/recvmsg4")
int bn_recvmsg4(struct bpf_sock_addr *ctx)
{
	return to_service4(ctx);
}

SEC("cgroup/recvmsg6")
int bn_recvmsg6(struct bpf_sock_addr *ctx)
{
	return to_service6(ctx);
}

SEC("cgroup/getpeername4")
int bn_getpeer4(struct bpf_sock_addr *ctx)
{
	return to_service4(ctx);
}

SEC("cgroup/getpeername6")
int bn_getpeer6(struct bpf_sock_addr *ctx)
{
	return to_service6(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
