/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_mapping - a UDP socket looks the same to every server */
#include "dp.h"

/*
 * RFC 4787 REQ-1, endpoint-independent mapping: peers that hear from each other
 * by a third one under which port a socket is seen (STUN) depend on it. There is
 * no table of mappings, so it has to come out the same each time.
 */
#define SERVERS 8
#define STUN 3478

/* Ports of clients: in the range of masquerade and on both sides of it. */
static const __u16 client_ports[] = { 1,     DP_PORT_MIN - 1, DP_PORT_MIN,
				      4000,  DP_PORT_MAX,     DP_PORT_MAX + 1,
				      40000, 0xffff };

#define CLIENT_PORTS (sizeof(client_ports) / sizeof(*client_ports))

static struct frame query(const struct dp *dp, __u16 sport, const char *server)
{
	return frame_udp(dp->ip.web, sport, server, STUN);
}

/* The port that the server sees, after a look at the whole frame. */
static __u16 seen_port(struct dp *dp, struct frame frame)
{
	__u16 port;

	dp_ingress(dp, WEB, frame);
	port = dp_out_port(dp);
	dp_expect_sent(dp, frame_out(frame_from(frame, dp->ip.host, port)));
	return port;
}

static void answer(struct dp *dp, struct frame frame, __u16 port)
{
	struct frame back = frame_reply(frame);

	dp_ingress(dp, UP, frame_to(back, dp->ip.host, port));
	dp_expect_sent(dp, frame_into(back, WEB));
}

static void socket_has_one_port_towards_many_servers(void **state)
{
	struct dp *dp = *state;
	char server[64];

	for (size_t i = 0; i < CLIENT_PORTS; i++) {
		struct frame first = query(dp, client_ports[i], dp->ip.server);
		__u16 port = seen_port(dp, first);

		for (int n = 0; n < SERVERS; n++) {
			snprintf(server, sizeof(server), "%s%d",
				 strchr(dp->ip.web, ':') ? "2001:db8:99::" :
							   "192.0.2.",
				 n + 1);
			assert_int_equal(
				seen_port(dp,
					  query(dp, client_ports[i], server)),
				port);
		}
		first.dport = STUN + 1;
		assert_int_equal(seen_port(dp, first), port);
	}
}

/* Ended by its time, and by force; answered, and not. */
static void port_outlives_the_flow_to_the_first_server(void **state)
{
	struct dp *dp = *state;

	for (size_t i = 0; i < 2 * CLIENT_PORTS; i++) {
		__u16 sport = client_ports[i / 2];
		struct frame first = query(dp, sport, dp->ip.server);
		struct frame second = query(dp, sport, dp->ip.server2);
		__u16 port = seen_port(dp, first);
		struct frame back =
			frame_to(frame_reply(first), dp->ip.host, port);

		if (i % 2) {
			answer(dp, first, port);
			dp_gc(dp, SLOT_WEB);
		} else {
			dp_flow_age(dp, first, dp->config->udp + 2);
			dp_flow_age(dp, back, dp->config->udp + 2);
			dp_gc(dp, 0);
		}
		assert_int_equal(dp_flow_entries(dp), 0);

		assert_int_equal(seen_port(dp, second), port);
		assert_int_equal(seen_port(dp, first), port);
		dp_gc(dp, SLOT_WEB);
	}
}

/* The generations are counted up whenever anything is configured. */
static void port_outlives_changes_of_the_configuration(void **state)
{
	struct dp *dp = *state;
	struct frame first = query(dp, 40000, dp->ip.server);
	__u16 port = seen_port(dp, first);

	dp_publish(dp, IPPROTO_UDP, NULL, 53, MATE, 53);
	datapath_bump_routes(dp->datapath);
	assert_int_equal(seen_port(dp, query(dp, 40000, dp->ip.server2)), port);
	assert_int_equal(seen_port(dp, first), port);
}

/* Mapping does not depend on the server, but who may answer does (RFC 4787
 * REQ-8, address and port dependent): others meet the host. */
static void port_admits_only_the_server_that_was_asked(void **state)
{
	struct dp *dp = *state;
	struct frame first = query(dp, 40000, dp->ip.server);
	__u16 port = seen_port(dp, first);
	struct frame back = frame_to(frame_reply(first), dp->ip.host, port);

	dp_ingress(dp, UP, frame_from(back, dp->ip.server2, STUN));
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_ingress(dp, UP, frame_from(back, dp->ip.server, STUN + 1));
	dp_expect_passed(dp, REASON_TO_STACK);
	dp_ingress(dp, UP, frame_to(back, dp->ip.host, port + 1));
	dp_expect_passed(dp, REASON_TO_STACK);
	answer(dp, first, port);

	/* The second server may, once it has been asked, by the same port. */
	assert_int_equal(seen_port(dp, query(dp, 40000, dp->ip.server2)), port);
	answer(dp, query(dp, 40000, dp->ip.server2), port);
}

/* Towards one server each socket has a port of its own. (No two of these get the
 * same one to begin with; where that happens, the second takes its next, and
 * looks different to a server that the first does not talk to.) */
static void sockets_do_not_share_a_port_towards_a_server(void **state)
{
	struct dp *dp = *state;
	__u16 ports[64];

	for (int i = 0; i < 64; i++) {
		ports[i] = seen_port(dp, query(dp, 40000 + i, dp->ip.server));
		for (int k = 0; k < i; k++)
			assert_int_not_equal(ports[i], ports[k]);
	}
	for (int i = 63; i >= 0; i--)
		assert_int_equal(
			seen_port(dp, query(dp, 40000 + i, dp->ip.server2)),
			ports[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(socket_has_one_port_towards_many_servers),
		DP_TEST_BOTH(port_outlives_the_flow_to_the_first_server),
		DP_TEST_BOTH(port_outlives_changes_of_the_configuration),
		DP_TEST_BOTH(port_admits_only_the_server_that_was_asked),
		DP_TEST_BOTH(sockets_do_not_share_a_port_towards_a_server),
	};

	return dp_main(tests);
}
