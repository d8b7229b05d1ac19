/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_partial - checksums that a device has yet to complete */
#include "dp.h"

/*
 * Every packet that a stack on this machine sends has such a checksum: only
 * the pseudo header is summed up, so a new address changes it and a new port
 * does not. Test runs have none, hence real devices.
 */
static void goes_through(struct dp *dp, enum node from, struct frame in,
			 enum node to, struct frame out)
{
	struct partial partial;
	__u8 bytes[FRAME_MAX];
	size_t len = frame_build_partial(&in, bytes, &partial);

	dp_live_open(dp);
	dp_live_send_partial(dp, from, bytes, len, partial);
	len = frame_build_partial(&out, bytes, &partial);
	assert_true(dp_live_receive(dp, to, bytes, len));
	dp_live_close(dp);
}

static void masquerade_keeps_a_partial_checksum(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_switched(
		frame_tcp(dp->ip.web, 40000, dp->ip.server, 443), WEB, FRONT);

	dp->config->snat_port_min = dp->config->snat_port_max = 2000;
	goes_through(dp, WEB, frame, UP,
		     frame_out(frame_from(frame, dp->ip.host, 2000)));
	frame.proto = IPPROTO_UDP;
	goes_through(dp, WEB, frame, UP,
		     frame_out(frame_from(frame, dp->ip.host, 2000)));
}

static void published_port_keeps_a_partial_checksum(void **state)
{
	struct dp *dp = *state;
	struct frame frame = frame_switched(
		frame_tcp(dp->ip.client, 5000, dp->ip.host, 8080), ROUTER, UP);

	dp_publish(dp, IPPROTO_TCP, NULL, 8080, WEB, 80);
	dp_publish(dp, IPPROTO_UDP, NULL, 8080, WEB, 53);
	goes_through(dp, UP, frame, WEB,
		     frame_into(frame_to(frame, dp->ip.web, 80), WEB));
	frame.proto = IPPROTO_UDP;
	goes_through(dp, UP, frame, WEB,
		     frame_into(frame_to(frame, dp->ip.web, 53), WEB));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(masquerade_keeps_a_partial_checksum),
		DP_TEST_BOTH(published_port_keeps_a_partial_checksum),
	};

	return dp_main(tests);
}
