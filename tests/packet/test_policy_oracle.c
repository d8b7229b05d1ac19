/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_policy_oracle - the programs decide as a list read rule by rule does */
#include "dp.h"

#include <arpa/inet.h>
#include <linux/pkt_cls.h>

#include "control/rules.h"
#include "unit/random_policy.h"

/*
 * Random lists are put in force the ordinary way, and for each of them random
 * packets start flows between all kinds of ends. What the program says is
 * compared with what reading the list from its top says: allowed or not, for
 * which reason, and by which rule.
 */
#define LISTS 400
#define PACKETS 100 /* of each list: 40,000 in all */

/* What is published leads from this port on the host to the same one of that
 * container. */
static const struct {
	__u8 proto;
	__u16 port;
	enum node node;
} published[] = {
	{ IPPROTO_TCP, 80, WEB },  { IPPROTO_TCP, 443, MATE },
	{ IPPROTO_UDP, 53, DB },   { IPPROTO_TCP, 3306, DB },
	{ IPPROTO_UDP, 256, WEB }, { IPPROTO_TCP, 65535, MATE },
};

struct packet {
	struct party from, to;
	struct service service;
	bool v4;
	bool published; /* the frame goes to the host's address */
};

static const struct policy_rule *expected_rule(const struct model *m,
					       const struct packet *packet)
{
	return naive_find(m, &packet->from, &packet->to, &packet->service);
}

/* Where no rule decides; no network of these tests has flags. */
static bool default_allows(const struct dp *dp, const struct packet *packet)
{
	if (!packet->from.network || !packet->to.network || packet->published)
		return true;
	if (!strcmp(packet->from.network, packet->to.network))
		return dp->config->intra == RULE_ALLOW;
	return dp->config->inter == RULE_ALLOW;
}

static enum reason expected_reason(const struct dp *dp,
				   const struct packet *packet,
				   const struct policy_rule *rule)
{
	if (!rule)
		return default_allows(dp, packet) ? REASON_FORWARDED :
						    REASON_POLICY_DEFAULT;
	if (rule->action == RULE_ALLOW)
		return REASON_FORWARDED;
	return rule->action == RULE_REJECT ? REASON_POLICY_REJECT :
					     REASON_POLICY_DENY;
}

/* ------------------------------------------------------------- packets */

enum way { OUT_OF_CONTAINER, FROM_HOST, FROM_OUTSIDE, WAYS };

static struct packet random_published(struct dice *dice, bool v4)
{
	size_t which = dice_roll(dice, sizeof(published) / sizeof(*published));

	return (struct packet){
		.from = random_party(dice, 4, v4),
		.to = random_party(dice, published[which].node - WEB, v4),
		.service = { published[which].proto, published[which].port },
		.v4 = v4,
		.published = true,
	};
}

/* What a container sends to the host goes where the port leads. */
static void follow_publish(struct dice *dice, struct packet *packet)
{
	for (size_t i = 0; i < sizeof(published) / sizeof(*published); i++) {
		if (packet->to.place != AT_HOST ||
		    packet->service.proto != published[i].proto ||
		    packet->service.port != published[i].port)
			continue;
		packet->to =
			random_party(dice, published[i].node - WEB, packet->v4);
		packet->published = true;
	}
}

static struct packet random_packet(struct dice *dice, enum way way, bool v4)
{
	struct packet packet = {
		.service = random_service(dice, v4),
		.v4 = v4,
	};
	unsigned int from = dice_roll(dice, 3), to = dice_roll(dice, 4);

	if (way == FROM_OUTSIDE)
		return random_published(dice, v4);
	/* Anybody but itself. */
	to += to >= from;
	if (way == FROM_HOST) {
		to = from;
		from = 3;
	}
	packet.from = random_party(dice, from, v4);
	packet.to = random_party(dice, to, v4);
	follow_publish(dice, &packet);
	return packet;
}

static struct frame frame_of(const struct packet *packet, __u16 port,
			     char text[2][IP_TEXT_MAX])
{
	const struct service *service = &packet->service;

	ip_print(&packet->from.ip, text[0]);
	ip_print(&packet->to.ip, text[1]);
	if (packet->published)
		strcpy(text[1],
		       packet->v4 ? addresses_v4.host : addresses_v6.host);
	if (service->proto == IPPROTO_TCP)
		return frame_tcp(text[0], port, text[1], service->port);
	if (service->proto == IPPROTO_UDP)
		return frame_udp(text[0], port, text[1], service->port);
	return frame_echo(text[0], text[1], port);
}

static enum node node_of(const struct party *party)
{
	static const char *const names[] = {
		[WEB] = "web", [MATE] = "mate", [DB] = "db"
	};

	for (enum node node = WEB; node <= DB; node++)
		if (party->endpoint && !strcmp(names[node], party->endpoint))
			return node;
	return UP;
}

static void send_packet(struct dp *dp, const struct packet *packet,
			struct frame frame)
{
	if (packet->from.place == AT_HOST)
		dp_egress(dp, node_of(&packet->to), frame);
	else
		dp_ingress(dp, node_of(&packet->from), frame);
}

/* ---------------------------------------------------------- comparison */

static void print_packet(const struct packet *packet, uint64_t seed)
{
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX];

	print_error("list %llu: %s to %s, %s %u%s\n", (unsigned long long)seed,
		    ip_print(&packet->from.ip, from),
		    ip_print(&packet->to.ip, to),
		    proto_print(packet->service.proto), packet->service.port,
		    packet->published ? ", published" : "");
}

/* The rule that the program blames: of the flow, or of the last drop. */
static __u32 deciding_rule(struct dp *dp, struct frame frame,
			   const struct policy_rule *want)
{
	struct flow flow = { 0 };

	if (dp->why == REASON_FORWARDED) {
		assert_true(dp_flow(dp, frame, &flow));
		return flow.rule;
	}
	if (!want || dp->why == REASON_POLICY_DEFAULT)
		return 0;
	return dp_hits(dp, MAP_RULE_HITS, want->id).packets ? want->id : 0;
}

static void compare(struct dp *dp, struct dice *dice, const struct model *m,
		    uint64_t seed)
{
	const struct hits none = { 0 };

	for (__u16 i = 0; i < PACKETS; i++) {
		bool v4 = dice_roll(dice, 2);
		struct packet packet =
			random_packet(dice, dice_roll(dice, 8) % WAYS, v4);
		const struct policy_rule *rule = expected_rule(m, &packet);
		enum reason why = expected_reason(dp, &packet, rule);
		char text[2][IP_TEXT_MAX];
		struct frame frame = frame_of(&packet, 20000 + i, text);

		if (rule)
			assert_int_equal(table_set(dp->datapath, MAP_RULE_HITS,
						   &rule->id, &none, &dp->err),
					 0);
		send_packet(dp, &packet, frame);
		if (dp->why == why &&
		    deciding_rule(dp, frame, rule) == (rule ? rule->id : 0))
			continue;
		print_packet(&packet, seed);
		print_error("rule %u, '%s' instead of rule %u, '%s'\n",
			    deciding_rule(dp, frame, rule),
			    reason_label[dp->why], rule ? rule->id : 0,
			    reason_label[why]);
		fail();
	}
}

static void end_all_flows(struct dp *dp)
{
	struct gc_args args = { .all = 1 };

	assert_int_equal(datapath_gc(dp->datapath, &args, &dp->err), 0);
}

static void publish_all(struct dp *dp)
{
	for (size_t i = 0; i < sizeof(published) / sizeof(*published); i++) {
		dp->ip = addresses_v4;
		dp_publish(dp, published[i].proto, NULL, published[i].port,
			   published[i].node, published[i].port);
		dp->ip = addresses_v6;
		dp_publish(dp, published[i].proto, NULL, published[i].port,
			   published[i].node, published[i].port);
	}
}

static void programs_decide_as_the_list_does(void **state)
{
	struct dp *dp = *state;

	publish_all(dp);
	for (uint64_t seed = 1; seed <= LISTS; seed++) {
		struct dice dice = { seed };
		struct model m;

		random_policy_world(&m);
		random_policy(&dice, &m);
		assert_int_equal(rules_write(dp->datapath, &m, &dp->err), 0);
		datapath_bump(dp->datapath);
		dp->config->intra = dice_roll(&dice, 2);
		dp->config->inter = dice_roll(&dice, 2);
		compare(dp, &dice, &m, seed);
		end_all_flows(dp);
		model_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST(programs_decide_as_the_list_does),
	};

	return dp_main(tests);
}
