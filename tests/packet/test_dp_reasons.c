/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_reasons - every reason of reasons.h happens, by name */
#include "dp.h"

#include <linux/pkt_cls.h>

/*
 * One packet for each reason. The tests below come from the list itself: a new
 * reason without an entry here fails.
 */

/* Nothing is decided, and nothing counted: the guard lets the host's own go. */
static void ok(struct dp *dp)
{
	dp_egress(dp, UP, frame_tcp(dp->ip.host, 4000, dp->ip.server, 443));
}

static void forwarded(struct dp *dp)
{
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.server, 443));
}

static void to_stack(struct dp *dp)
{
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 4000, dp->ip.host, 22));
}

static void policy_deny(struct dp *dp)
{
	dp_rules(dp, { .action = RULE_DENY });
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80));
}

static void policy_reject(struct dp *dp)
{
	struct frame syn = frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80);

	dp_rules(dp, { .action = RULE_REJECT });
	dp_ingress(dp, WEB, frame_flags(syn, TCP_RST)); /* not answered */
}

static void policy_default(struct dp *dp)
{
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.db, 80));
}

static void spoofed_source(struct dp *dp)
{
	dp_ingress(dp, WEB, frame_tcp(dp->ip.mate, 4000, dp->ip.db, 80));
}

static void unpublished(struct dp *dp)
{
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 4000, dp->ip.web, 80));
}

static void publish_from(struct dp *dp)
{
	dp_publish(dp, IPPROTO_TCP, NULL, 80, WEB, 80);
	dp_publish_from(dp, "192.0.2.0/24");
	dp_ingress(dp, UP, frame_tcp(dp->ip.client, 4000, dp->ip.host, 80));
}

/* Of a packet with so many headers the sender is not told. */
static struct frame unanswered(struct frame frame)
{
	frame.options = 2;
	return frame;
}

static void no_route(struct dp *dp)
{
	dp_ingress(dp, WEB,
		   unanswered(frame_tcp(dp->ip.web, 4000, dp->ip.nobody, 80)));
}

static void no_uplink(struct dp *dp)
{
	dp_ingress(dp, WEB,
		   unanswered(frame_tcp(dp->ip.web, 4000, dp->ip.lan, 80)));
}

static void snat_exhausted(struct dp *dp)
{
	dp->config->snat_port_min = dp->config->snat_port_max = 2000;
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4000, dp->ip.server, 80));
	dp_ingress(dp, WEB, frame_tcp(dp->ip.web, 4001, dp->ip.server, 80));
}

static void flows_full(struct dp *dp)
{
	dp->config->flows_max = 0;
	forwarded(dp);
}

static void flows_quota(struct dp *dp)
{
	dp->config->flows_per_endpoint = 0;
	forwarded(dp);
}

static void flow_conflict(struct dp *dp)
{
	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_ingress(dp, MATE, frame_tcp(dp->ip.mate, 4000, dp->ip.host, 8080));
	dp_ingress(dp, MATE, frame_tcp(dp->ip.mate, 4000, dp->ip.web, 80));
}

static void fragment_unknown(struct dp *dp)
{
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);

	frame.fragment = 100;
	dp_ingress(dp, WEB, frame);
}

static void malformed(struct dp *dp)
{
	struct frame frame = frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);
	__u8 bytes[FRAME_MAX];

	frame_build(&frame, bytes);
	dp_ingress_bytes(dp, WEB, bytes, ETH_HLEN + 20 + 7);
}

static void internal_network(struct dp *dp)
{
	dp_network_flags(dp, NETWORK_FRONT, NETWORK_INTERNAL);
	forwarded(dp);
}

static void untranslated_egress(struct dp *dp)
{
	dp_network_flags(dp, NETWORK_FRONT, NETWORK_NO_MASQUERADE);
	dp_ingress(dp, WEB,
		   unanswered(frame_tcp(dp->ip.web, 4000, dp->ip.server, 80)));
}

static void protocol(struct dp *dp)
{
	struct frame frame = frame_udp(dp->ip.web, 0, dp->ip.server, 0);

	frame.proto = IPPROTO_GRE;
	dp_ingress(dp, WEB, frame);
}

static void ethertype(struct dp *dp)
{
	struct frame frame = frame_switched(
		frame_udp(dp->ip.web, 4000, dp->ip.mate, 53), WEB, FRONT);
	__u8 bytes[FRAME_MAX];
	size_t len = frame_build(&frame, bytes);

	bytes[13] = 0x42;
	dp_ingress_bytes(dp, WEB, bytes, len);
}

static void unknown_device(struct dp *dp)
{
	dp_ingress(dp, LAN, frame_tcp(dp->ip.web, 4000, dp->ip.mate, 80));
}

static void ttl_exceeded(struct dp *dp)
{
	struct frame frame = frame_udp(dp->ip.client, 1, dp->ip.host, 53);

	frame.ttl = 1;
	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	dp_ingress(dp, UP, unanswered(frame));
}

static void too_big(struct dp *dp)
{
	const struct addresses *ip = &addresses_v6;
	struct frame frame = frame_udp(ip->web, 4000, ip->server, 53);
	struct flow flow;

	dp_ingress(dp, WEB, frame);
	assert_true(dp_flow(dp, frame, &flow));
	flow.mtu = 1280;
	dp_flow_set(dp, frame, &flow);
	frame.payload = 1300;
	dp_ingress(dp, WEB, unanswered(frame));
}

static void extensions(struct dp *dp)
{
	const struct addresses *ip = &addresses_v6;
	struct frame frame = frame_udp(ip->web, 0, ip->mate, 0);

	frame.proto = IPPROTO_NONE;
	frame.options = 1;
	dp_ingress(dp, WEB, frame);
}

static void icmp_unrelated(struct dp *dp)
{
	struct frame sent = frame_udp(dp->ip.server, 53, dp->ip.web, 4000);

	dp_ingress(dp, WEB, frame_error(dp->ip.web, UNREACHABLE, &sent));
}

static void (*const produce[REASON_COUNT])(struct dp *dp) = {
	[REASON_OK] = ok,
	[REASON_FORWARDED] = forwarded,
	[REASON_TO_STACK] = to_stack,
	[REASON_POLICY_DENY] = policy_deny,
	[REASON_POLICY_DEFAULT] = policy_default,
	[REASON_SPOOFED_SOURCE] = spoofed_source,
	[REASON_UNPUBLISHED] = unpublished,
	[REASON_PUBLISH_FROM] = publish_from,
	[REASON_NO_ROUTE] = no_route,
	[REASON_NO_UPLINK] = no_uplink,
	[REASON_SNAT_EXHAUSTED] = snat_exhausted,
	[REASON_FLOWS_FULL] = flows_full,
	[REASON_FLOW_CONFLICT] = flow_conflict,
	[REASON_FRAGMENT_UNKNOWN] = fragment_unknown,
	[REASON_MALFORMED] = malformed,
	[REASON_INTERNAL_NETWORK] = internal_network,
	[REASON_UNTRANSLATED_EGRESS] = untranslated_egress,
	[REASON_PROTOCOL] = protocol,
	[REASON_ETHERTYPE] = ethertype,
	[REASON_UNKNOWN_DEVICE] = unknown_device,
	[REASON_TTL] = ttl_exceeded,
	[REASON_ICMP_UNRELATED] = icmp_unrelated,
	[REASON_POLICY_REJECT] = policy_reject,
	[REASON_FLOWS_QUOTA] = flows_quota,
	[REASON_TOO_BIG] = too_big,
	[REASON_EXTENSIONS] = extensions,
};

/* A drop counts once in all and, where the packet is an endpoint's, there. */
static void check_reason(struct dp *dp, enum reason why)
{
	if (!produce[why]) {
		print_error("nothing produces '%s'\n", reason_label[why]);
		fail();
	}
	produce[why](dp);
	assert_int_equal(dp->why, why);
	if (!reason_is_drop(why)) {
		assert_int_not_equal(dp->verdict, TC_ACT_SHOT);
		return;
	}
	dp_expect_dropped(dp, why);
	assert_int_equal(dp_endpoint(dp, SLOT_WEB).reasons[why] +
				 dp_endpoint(dp, SLOT_MATE).reasons[why] +
				 dp_endpoint(dp, 0).reasons[why],
			 1);
}

#define PRODUCES(name, label, text)                  \
	static void produces_##name(void **state)    \
	{                                            \
		check_reason(*state, REASON_##name); \
	}
#define PRODUCES_TEST(name, label, text) DP_TEST(produces_##name),

REASONS(PRODUCES)

int main(void)
{
	const struct CMUnitTest tests[] = { REASONS(PRODUCES_TEST) };

	return dp_main(tests);
}
