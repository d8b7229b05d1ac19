/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_source - senders prove who they are; what is no unicast IP */
#include "dp_answer.h"

#include <arpa/inet.h>

#define ND_SOLICIT 135
#define ND_ROUTER 134
#define ND_ADVERT 136
#define ND_LAST 137
#define TYPE_LLDP 0x88cc
#define ARP_LEN (ETH_HLEN + 28)
#define VLAN_LEN 4

static struct frame to_mate(const struct dp *dp)
{
	return frame_udp(dp->ip.web, 4000, dp->ip.mate, 53);
}

/* ---------------------------------------------------------- containers */

static void foreign_source_address_is_dropped(void **state)
{
	struct dp *dp = *state;
	const char *sources[] = { dp->ip.mate,	dp->ip.db,  dp->ip.front,
				  dp->ip.host,	dp->ip.any, dp->ip.client,
				  dp->ip.nobody };

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		dp_ingress(dp, WEB, frame_from(to_mate(dp), sources[i], 4000));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
		dp_ingress(dp, WEB,
			   frame_udp(sources[i], 4000, dp->ip.server, 53));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
	assert_int_equal(
		dp_endpoint(dp, SLOT_WEB).reasons[REASON_SPOOFED_SOURCE], 14);
}

static void foreign_mac_is_dropped(void **state)
{
	static const enum node macs[] = { MATE, FRONT, STRANGER, EVERYBODY };
	struct dp *dp = *state;
	struct frame frame = to_mate(dp);

	for (size_t i = 0; i < sizeof(macs) / sizeof(*macs); i++) {
		frame.smac = macs[i];
		dp_ingress(dp, WEB, frame);

		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	}
}

static void second_address_of_an_endpoint_is_its_own(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_from(to_mate(dp), dp->ip.nobody, 4000);

	dp_address_set(dp, dp->ip.nobody, WEB);
	dp_ingress(dp, WEB, frame);

	dp_expect_sent(dp, frame_switched(frame, WEB, MATE));
}

/* The entry of another endpoint's flow is no proof of anything. */
static void flow_of_another_device_does_not_help(void **state)
{
	struct dp *dp = *state;
	struct flow flow;

	dp_ingress(dp, WEB, to_mate(dp));
	dp_ingress(dp, DB, to_mate(dp));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	dp_ingress(dp, UP, to_mate(dp));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);

	assert_true(dp_flow(dp, to_mate(dp), &flow));
	assert_int_equal(flow.packets, 1);
}

/* The bridge would learn the MAC of a frame that goes on to the host. */
static void foreign_mac_of_a_flow_to_the_host_is_dropped(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_to(to_mate(dp), dp->ip.front, 53);

	dp_ingress(dp, WEB, frame);
	dp_expect_passed(dp, REASON_FORWARDED);
	frame.smac = MATE;
	dp_ingress(dp, WEB, frame);

	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
}

static void device_without_endpoint_is_unknown(void **state)
{
	struct dp *dp = *state;

	dp_ingress(dp, LAN, to_mate(dp));
	dp_expect_dropped(dp, REASON_UNKNOWN_DEVICE);
	dp_egress(dp, LAN, to_mate(dp));
	dp_expect_dropped(dp, REASON_UNKNOWN_DEVICE);
	assert_int_equal(dp_endpoint(dp, 0).reasons[REASON_UNKNOWN_DEVICE], 2);
}

/* ----------------------------------------------------------------- ARP */

/* Who-has front, as its sender says that it is. */
static void arp(__u8 *bytes, enum node eth, enum node mac, const char *sender)
{
	static const __u8 head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	struct ipaddr from = ip_of(sender), to = ip_of(addresses_v4.front);
	__be32 from4 = ip_to_v4(&from), to4 = ip_to_v4(&to);
	__be16 type = htons(ETH_P_ARP);

	memset(bytes, 0, ARP_LEN);
	memcpy(bytes, node_mac(EVERYBODY), ETH_ALEN);
	memcpy(bytes + 6, node_mac(eth), ETH_ALEN);
	memcpy(bytes + 12, &type, 2);
	memcpy(bytes + ETH_HLEN, head, sizeof(head));
	memcpy(bytes + 22, node_mac(mac), ETH_ALEN);
	memcpy(bytes + 28, &from4, 4);
	memcpy(bytes + 38, &to4, 4);
}

static void arp_of_the_endpoint_itself_passes(void **state)
{
	struct dp *dp = *state;
	__u8 bytes[ARP_LEN];

	arp(bytes, WEB, WEB, dp->ip.web);
	dp_ingress_bytes(dp, WEB, bytes, sizeof(bytes));
	dp_expect_passed(dp, REASON_TO_STACK);

	arp(bytes, WEB, WEB, "0.0.0.0"); /* a probe, RFC 5227 */
	dp_ingress_bytes(dp, WEB, bytes, sizeof(bytes));
	dp_expect_passed(dp, REASON_TO_STACK);
}

static void arp_in_anothers_name_is_dropped(void **state)
{
	struct dp *dp = *state;
	const struct {
		enum node eth, mac;
		const char *sender;
	} cases[] = {
		{ WEB, WEB, dp->ip.mate },    { WEB, WEB, dp->ip.front },
		{ WEB, WEB, dp->ip.client },  { WEB, MATE, dp->ip.web },
		{ MATE, WEB, dp->ip.web },    { WEB, MATE, "0.0.0.0" },
		{ WEB, FRONT, dp->ip.front },
	};
	__u8 bytes[ARP_LEN];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		arp(bytes, cases[i].eth, cases[i].mac, cases[i].sender);
		dp_ingress_bytes(dp, WEB, bytes, sizeof(bytes));

		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	}
}

static void truncated_arp_is_malformed(void **state)
{
	struct dp *dp = *state;
	__u8 bytes[ARP_LEN];

	arp(bytes, WEB, WEB, dp->ip.web);
	for (size_t len = ETH_HLEN; len <= ARP_LEN; len++) {
		dp_ingress_bytes(dp, WEB, bytes, len);
		/* It ends with the sender; of the target nothing is asked. */
		if (len < 32)
			dp_expect_dropped(dp, REASON_MALFORMED);
		else
			dp_expect_passed(dp, REASON_TO_STACK);
		dp_egress_bytes(dp, MATE, bytes, len);
		dp_expect_passed(dp, REASON_TO_STACK);
		dp_ingress_bytes(dp, UP, bytes, len);
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

static void arp_from_outside_and_to_a_container_passes(void **state)
{
	struct dp *dp = *state;
	__u8 bytes[ARP_LEN];

	arp(bytes, ROUTER, ROUTER, dp->ip.client);
	dp_ingress_bytes(dp, UP, bytes, sizeof(bytes));
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_egress_bytes(dp, WEB, bytes, sizeof(bytes));
	dp_expect_passed(dp, REASON_TO_STACK);
}

/* ------------------------------------------------- groups, neighbours */

static void multicast_of_its_own_passes(void **state)
{
	struct dp *dp = *state;
	bool v4 = !strchr(dp->ip.web, ':');
	struct frame frame =
		frame_to(to_mate(dp), v4 ? "224.0.0.251" : "ff02::fb", 5353);

	frame.dmac = EVERYBODY;
	dp_ingress(dp, WEB, frame);
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_egress(dp, MATE, frame);
	dp_expect_passed(dp, REASON_TO_STACK);

	dp_ingress(dp, WEB, frame_from(frame, dp->ip.mate, 5353));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	assert_int_equal(dp_flow_entries(dp), 0);
}

static void request_for_an_address_passes(void **state)
{
	struct dp *dp = *state;
	struct frame discover = frame_udp("0.0.0.0", 68, "255.255.255.255", 67);

	discover.dmac = EVERYBODY;
	dp_ingress(dp, WEB, discover);

	dp_expect_passed(dp, REASON_TO_STACK);
}

/* A receiver takes UDP to its own address out of a group frame, too. */
static void group_frame_is_no_way_around_the_policy(void **state)
{
	struct dp *dp = *state;
	struct frame frame = to_mate(dp);

	frame.dmac = EVERYBODY;
	dp_network_flags(dp, NETWORK_FRONT, NETWORK_NO_ICC);
	dp_ingress(dp, WEB, frame);
	dp_expect_dropped(dp, REASON_POLICY_DEFAULT);
	dp_forward(dp, DB, MATE, frame); /* as the bridge would flood it */
	dp_expect_dropped(dp, REASON_UNPUBLISHED);

	dp_network_flags(dp, NETWORK_FRONT, 0);
	dp_ingress(dp, WEB, frame);
	dp_expect_sent(dp, frame_switched(frame, WEB, MATE));
}

static void broadcast_to_the_subnet_stays_with_the_bridge(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_to(to_mate(dp), "192.168.10.255", 137);

	frame.dmac = EVERYBODY;
	dp_ingress(dp, WEB, frame);
	dp_expect_passed(dp, REASON_TO_STACK);

	frame.dmac = FRONT;
	dp_ingress(dp, WEB, frame);
	dp_expect_told(dp, REASON_NO_ROUTE, dp->ip.front, 0);
}

/* An ICMPv6 message of neighbour discovery and what it looks like. */
static struct frame neighbour(const char *src, __u8 type, __u8 hops)
{
	struct frame frame = frame_echo(src, "ff02::1:ff00:1", 0);

	frame.icmp_type = type;
	frame.ttl = hops;
	return frame;
}

static void neighbour_discovery_passes(void **state)
{
	struct dp *dp = *state;
	const char *sources[] = { dp->ip.web, "fe80::1", "::" };

	for (size_t i = 0; i < 3; i++) {
		struct frame frame = neighbour(sources[i], ND_SOLICIT, 255);

		dp_ingress(dp, WEB, frame);
		dp_expect_passed(dp, REASON_TO_STACK);
		dp_egress(dp, WEB, frame);
		dp_expect_passed(dp, REASON_TO_STACK);
		dp_ingress(dp, WEB, frame_to(frame, dp->ip.mate, 0));
		dp_expect_passed(dp, REASON_TO_STACK);
	}
	dp_ingress(dp, WEB, neighbour(dp->ip.mate, ND_SOLICIT, 255));
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
}

static void only_neighbour_discovery_is_excused(void **state)
{
	struct dp *dp = *state;
	struct frame frame = neighbour("fe80::1", ND_SOLICIT, 255);

	frame.dst = "fe80::2";
	dp_ingress(dp, WEB, frame);
	dp_expect_passed(dp, REASON_TO_STACK);

	frame.icmp_type = ND_LAST + 1;
	dp_ingress(dp, WEB, frame);
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	frame.icmp_type = 132; /* multicast listener done */
	dp_ingress(dp, WEB, frame);
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	frame.icmp_type = ND_SOLICIT;
	frame.ttl = 254; /* it has passed a router */
	dp_ingress(dp, WEB, frame);
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
}

/* A container that plays the router would take over its neighbours' way out. */
static void container_is_no_router(void **state)
{
	static const __u8 types[] = { ND_ROUTER, ND_LAST };
	struct dp *dp = *state;

	for (size_t i = 0; i < sizeof(types); i++) {
		dp_ingress(dp, WEB, neighbour("fe80::1", types[i], 255));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
		dp_ingress(dp, WEB, neighbour(dp->ip.web, types[i], 255));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	}
}

/* RFC 4861 4.4: the address that is advertised follows the header. */
static void advertise(struct dp *dp, const char *target)
{
	struct frame frame = neighbour(dp->ip.web, ND_ADVERT, 255);
	struct ipaddr ip = ip_of(target);
	__u8 bytes[FRAME_MAX];
	size_t len;

	frame.smac = WEB;
	frame.payload = sizeof(ip);
	len = frame_build(&frame, bytes);
	memcpy(bytes + len - sizeof(ip), &ip, sizeof(ip));
	dp_ingress_bytes(dp, WEB, bytes, len);
}

static void container_advertises_its_own_addresses_only(void **state)
{
	struct dp *dp = *state;

	advertise(dp, dp->ip.web);
	dp_expect_passed(dp, REASON_TO_STACK);
	advertise(dp, "fe80::1");
	dp_expect_passed(dp, REASON_TO_STACK);
	advertise(dp, dp->ip.mate);
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	advertise(dp, "fd00::ffff");
	dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
}

/* ---------------------------------------------------------- ethertypes */

static size_t with_type(struct frame frame, __u16 type, __u8 *bytes)
{
	size_t len = frame_build(&frame, bytes);

	bytes[12] = type >> 8;
	bytes[13] = type & 0xff;
	return len;
}

static void other_ethertype_is_dropped_from_a_container(void **state)
{
	static const __u16 types[] = { TYPE_LLDP,     ETH_P_8021Q,
				       ETH_P_8021AD,  ETH_P_MPLS_UC,
				       ETH_P_PPP_SES, 0x0100 };
	struct dp *dp = *state;
	struct frame frame = frame_switched(to_mate(dp), WEB, FRONT);
	__u8 bytes[FRAME_MAX];
	size_t len;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		len = with_type(frame, types[i], bytes);
		dp_ingress_bytes(dp, WEB, bytes, len);
		dp_expect_dropped(dp, REASON_ETHERTYPE);
		dp_ingress_bytes(dp, UP, bytes, len);
		dp_expect_passed(dp, REASON_TO_STACK);
	}
}

/* The kernel takes the tag out of the frame before the program sees it. */
static void vlan_tag_on_a_real_device_is_dropped(void **state)
{
	static const __u8 tag[VLAN_LEN] = { 0x81, 0, 0, 5 };
	struct dp *dp = *state;
	struct frame frame = frame_switched(to_mate(dp), WEB, FRONT);
	__u64 before = dp_reason(dp, REASON_ETHERTYPE);
	__u8 bytes[FRAME_MAX];
	size_t len = frame_build(&frame, bytes);

	memmove(bytes + 12 + VLAN_LEN, bytes + 12, len - 12);
	memcpy(bytes + 12, tag, VLAN_LEN);
	dp_live_open(dp);
	dp_live_send(dp, WEB, bytes, len + VLAN_LEN);

	assert_true(dp_live_reason(dp, REASON_ETHERTYPE, before + 1));
	dp_live_close(dp);
	assert_int_equal(dp_flow_entries(dp), 0);
}

/* ------------------------------------------------------------- outside */

static void address_of_ours_from_outside_is_spoofed(void **state)
{
	struct dp *dp = *state;
	const char *sources[] = { dp->ip.web, dp->ip.nobody, dp->ip.front,
				  dp->ip.db };

	dp_publish(dp, IPPROTO_UDP, NULL, 53, WEB, 53);
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		dp_ingress(dp, UP,
			   frame_udp(sources[i], 4000, dp->ip.host, 53));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
		dp_ingress(dp, UP,
			   frame_udp(sources[i], 4000, dp->ip.mate, 53));
		dp_expect_dropped(dp, REASON_SPOOFED_SOURCE);
	}
	assert_int_equal(dp_flow_entries(dp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(foreign_source_address_is_dropped),
		DP_TEST_BOTH(foreign_mac_is_dropped),
		DP_TEST_BOTH(second_address_of_an_endpoint_is_its_own),
		DP_TEST_BOTH(flow_of_another_device_does_not_help),
		DP_TEST_BOTH(foreign_mac_of_a_flow_to_the_host_is_dropped),
		DP_TEST_BOTH(device_without_endpoint_is_unknown),
		DP_TEST(arp_of_the_endpoint_itself_passes),
		DP_TEST(arp_in_anothers_name_is_dropped),
		DP_TEST(truncated_arp_is_malformed),
		DP_TEST(arp_from_outside_and_to_a_container_passes),
		DP_TEST_BOTH(multicast_of_its_own_passes),
		DP_TEST(request_for_an_address_passes),
		DP_TEST_BOTH(group_frame_is_no_way_around_the_policy),
		DP_TEST(broadcast_to_the_subnet_stays_with_the_bridge),
		DP_TEST_V6(neighbour_discovery_passes),
		DP_TEST_V6(only_neighbour_discovery_is_excused),
		DP_TEST_V6(container_is_no_router),
		DP_TEST_V6(container_advertises_its_own_addresses_only),
		DP_TEST_BOTH(other_ethertype_is_dropped_from_a_container),
		DP_TEST_BOTH(vlan_tag_on_a_real_device_is_dropped),
		DP_TEST_BOTH(address_of_ours_from_outside_is_spoofed),
	};

	return dp_main(tests);
}
