/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dp_frame - frames from their description, checksums from scratch */
#include "dp.h"

#include <arpa/inet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define ECHO_LEN 8
#define MORE_FRAGMENTS 0x2000
#define SOME_ID 0x4242

/* RFC 8200 4.5. */
struct fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset; /* and 1 when more follow */
	__be32 id;
};

struct ipaddr ip_of(const char *text)
{
	struct ipaddr ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

const __u8 *node_mac(enum node node)
{
	static __u8 macs[EVERYBODY + 1][ETH_ALEN];

	if (node == EVERYBODY)
		memset(macs[node], 0xff, ETH_ALEN);
	else
		memcpy(macs[node], (__u8[]){ 2, 0, 0x5e, 0, 0, node },
		       ETH_ALEN);
	return macs[node];
}

static bool is_v4(const char *address)
{
	return !strchr(address, ':');
}

struct frame frame_tcp(const char *src, __u16 sport, const char *dst,
		       __u16 dport)
{
	return (struct frame){ .src = src,
			       .dst = dst,
			       .sport = sport,
			       .dport = dport,
			       .proto = IPPROTO_TCP,
			       .ttl = 64,
			       .tcp_flags = TCP_SYN,
			       .payload = 11 };
}

struct frame frame_udp(const char *src, __u16 sport, const char *dst,
		       __u16 dport)
{
	struct frame frame = frame_tcp(src, sport, dst, dport);

	frame.proto = IPPROTO_UDP;
	frame.tcp_flags = 0;
	return frame;
}

struct frame frame_echo(const char *src, const char *dst, __u16 id)
{
	struct frame frame = frame_udp(src, id, dst, 0);

	frame.proto = is_v4(src) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	frame.icmp_type = is_v4(src) ? 8 : 128;
	return frame;
}

/* RFC 792; RFC 1191 for the code of "too big"; RFC 4443. */
struct frame frame_error(const char *src, enum icmp_error error,
			 const struct frame *quote)
{
	static const __u8 v4[] = { 3, 11, 3, 12 }, v6[] = { 1, 3, 2, 4 };
	struct frame frame = frame_echo(src, quote->src, 0);
	bool is_too_big = error == TOO_BIG;

	frame.icmp_type = is_v4(src) ? v4[error] : v6[error];
	frame.icmp_code = is_v4(src) && is_too_big ? 4 : 0;
	frame.dport = is_too_big ? 1280 : 0;
	frame.quote = quote;
	return frame;
}

struct frame frame_cut(struct frame frame, __u16 at, __u16 len)
{
	frame.cut_at = at;
	frame.cut_len = len;
	return frame;
}

struct frame frame_flags(struct frame frame, __u8 tcp_flags)
{
	frame.tcp_flags = tcp_flags;
	return frame;
}

struct frame frame_from(struct frame frame, const char *src, __u16 sport)
{
	frame.src = src;
	frame.sport = sport;
	return frame;
}

struct frame frame_to(struct frame frame, const char *dst, __u16 dport)
{
	frame.dst = dst;
	frame.dport = dport;
	return frame;
}

static bool is_icmp(const struct frame *frame)
{
	return frame->proto == IPPROTO_ICMP || frame->proto == IPPROTO_ICMPV6;
}

struct frame frame_reply(struct frame frame)
{
	struct frame reply = frame;

	reply.smac = reply.dmac = NODE_NONE;
	reply.src = frame.dst;
	reply.dst = frame.src;
	reply.ttl = 64;
	if (is_icmp(&frame)) {
		reply.icmp_type = frame.proto == IPPROTO_ICMP ? 0 : 129;
		return reply;
	}
	reply.sport = frame.dport;
	reply.dport = frame.sport;
	if (frame.tcp_flags == TCP_SYN)
		reply.tcp_flags = TCP_SYN | TCP_ACK;
	return reply;
}

struct frame frame_out(struct frame frame)
{
	frame.smac = UP;
	frame.dmac = ROUTER;
	frame.ttl--;
	return frame;
}

struct frame frame_into(struct frame frame, enum node node)
{
	frame.smac = node == DB ? BACK : FRONT;
	frame.dmac = node;
	frame.ttl--;
	return frame;
}

struct frame frame_switched(struct frame frame, enum node from, enum node to)
{
	frame.smac = from;
	frame.dmac = to;
	return frame;
}

struct flow_key frame_key(const struct frame *frame)
{
	struct flow_key key = {
		.src = ip_of(frame->src),
		.dst = ip_of(frame->dst),
		.sport = htons(frame->sport),
		.dport = htons(frame->dport),
		.proto = frame->proto,
	};

	if (is_icmp(frame) &&
	    (frame->icmp_type == 0 || frame->icmp_type == 129)) {
		key.dport = key.sport;
		key.sport = 0;
	}
	return key;
}

/* RFC 1071: the one's complement sum of 16-bit words. */
static __u32 sum_words(__u32 sum, const void *data, size_t len)
{
	const __u8 *bytes = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	if (len % 2)
		sum += bytes[len - 1] << 8;
	return sum;
}

static __u16 sum_end(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum & 0xffff);
}

/* Of the pseudo header (RFC 768, RFC 8200 8.1). */
static __u32 pseudo_sum(const struct frame *frame, size_t len)
{
	struct ipaddr src = ip_of(frame->src), dst = ip_of(frame->dst);
	/* Of a mapped address, only the IPv4 part is on the wire. */
	size_t skip = is_v4(frame->src) ? 12 : 0;
	__u32 sum = frame->proto + len;

	sum = sum_words(sum, (__u8 *)&src + skip, 16 - skip);
	return sum_words(sum, (__u8 *)&dst + skip, 16 - skip);
}

static __u16 transport_sum(const struct frame *frame, const void *l4,
			   size_t len)
{
	bool has_pseudo = frame->proto != IPPROTO_ICMP;
	__u32 sum = has_pseudo ? pseudo_sum(frame, len) : 0;

	return sum_end(sum_words(sum, l4, len));
}

static void build_payload(const struct frame *frame, __u8 *bytes)
{
	for (int i = 0; i < frame->payload; i++)
		bytes[i] = 'a' + i % 26;
	if (frame->payload >= 2) {
		bytes[0] ^= frame->salt >> 8;
		bytes[1] ^= frame->salt & 0xff;
	}
}

static size_t build_tcp(const struct frame *frame, __u8 *l4)
{
	struct tcphdr tcp = {
		.source = htons(frame->sport),
		.dest = htons(frame->dport),
		.seq = htonl(0x01020304),
		.doff = 5,
		.window = htons(512),
	};
	size_t len = sizeof(tcp) + frame->payload;

	memcpy(l4, &tcp, sizeof(tcp));
	l4[13] = frame->tcp_flags;
	build_payload(frame, l4 + sizeof(tcp));
	tcp.check = transport_sum(frame, l4, len);
	memcpy(l4 + 16, &tcp.check, 2);
	return len;
}

static size_t build_udp(const struct frame *frame, __u8 *l4)
{
	size_t len = sizeof(struct udphdr) + frame->payload;
	struct udphdr udp = {
		.source = htons(frame->sport),
		.dest = htons(frame->dport),
		.len = htons(len),
	};

	memcpy(l4, &udp, sizeof(udp));
	build_payload(frame, l4 + sizeof(udp));
	if (frame->no_checksum)
		return len;
	/* RFC 768: a sum of zero is sent as all ones. */
	udp.check = transport_sum(frame, l4, len) ?: 0xffff;
	memcpy(l4 + 6, &udp.check, 2);
	return len;
}

static size_t build_echo(const struct frame *frame, __u8 *l4)
{
	__u8 head[ECHO_LEN] = { frame->icmp_type };
	size_t len = ECHO_LEN + frame->payload;
	__u16 sum;

	head[4] = frame->sport >> 8;
	head[5] = frame->sport & 0xff;
	head[7] = 1; /* sequence */
	memcpy(l4, head, sizeof(head));
	build_payload(frame, l4 + ECHO_LEN);
	sum = transport_sum(frame, l4, len);
	memcpy(l4 + 2, &sum, 2);
	return len;
}

/* RFC 792, RFC 4443: the quoted packet starts with its IP header. */
static size_t build_error(const struct frame *frame, __u8 *l4)
{
	__u8 head[ECHO_LEN] = { frame->icmp_type, frame->icmp_code };
	size_t len = frame_build(frame->quote, l4) - ETH_HLEN;
	__u16 sum;

	if (frame->quote_len && frame->quote_len < len)
		len = frame->quote_len;
	memmove(l4 + ECHO_LEN, l4 + ETH_HLEN, len);
	head[6] = frame->dport >> 8;
	head[7] = frame->dport & 0xff;
	memcpy(l4, head, sizeof(head));
	len += ECHO_LEN;
	sum = transport_sum(frame, l4, len);
	memcpy(l4 + 2, &sum, 2);
	return len;
}

static size_t build_transport(const struct frame *frame, __u8 *l4)
{
	switch (frame->proto) {
	case IPPROTO_TCP:
		return build_tcp(frame, l4);
	case IPPROTO_UDP:
		return build_udp(frame, l4);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return frame->quote ? build_error(frame, l4) :
				      build_echo(frame, l4);
	default:
		build_payload(frame, l4);
		return frame->payload;
	}
}

/* Keeps only the bytes of the fragment. Returns how many there are. */
static size_t cut(const struct frame *frame, __u8 *l4, size_t len,
		  bool *ret_more)
{
	size_t left = len - frame->cut_at;

	*ret_more = false;
	if (!frame->cut_len)
		return len;
	memmove(l4, l4 + frame->cut_at, left);
	*ret_more = frame->cut_len < left;
	return *ret_more ? frame->cut_len : left;
}

static size_t build_v4(const struct frame *frame, __u8 *bytes)
{
	size_t head = frame_l3_len(frame);
	bool more;
	size_t len = build_transport(frame, bytes + head);
	struct ipaddr src = ip_of(frame->src), dst = ip_of(frame->dst);
	struct iphdr ip = {
		.version = 4,
		.ihl = 5 + frame->options,
		.id = htons(frame->ip_id ?: SOME_ID),
		.ttl = frame->ttl,
		.protocol = frame->proto,
		.saddr = ip_to_v4(&src),
		.daddr = ip_to_v4(&dst),
	};

	len = head + cut(frame, bytes + head, len, &more);
	ip.tot_len = htons(len);
	ip.frag_off = htons(frame->fragment | (more ? MORE_FRAGMENTS : 0) |
			    frame->cut_at / 8);
	memset(bytes, 1, head); /* option 1: no operation */
	memcpy(bytes, &ip, sizeof(ip));
	ip.check = sum_end(sum_words(0, bytes, head));
	memcpy(bytes, &ip, sizeof(ip));
	return len;
}

size_t frame_l3_len(const struct frame *frame)
{
	if (is_v4(frame->src))
		return sizeof(struct iphdr) + 4 * frame->options;
	return sizeof(struct ipv6hdr) + 8 * frame->options +
	       (frame->cut_len ? sizeof(struct fragment_header) : 0);
}

/* The headers between IPv6's own and the transport; returns the type of the
 * first one. */
static __u8 build_extensions(const struct frame *frame, bool more, __u8 *bytes)
{
	struct fragment_header fragment = {
		.next = frame->proto,
		.offset = htons(frame->cut_at | more),
		.id = htonl(frame->ip_id ?: SOME_ID),
	};
	size_t len = 8 * frame->options;
	__u8 next = frame->proto;

	if (frame->cut_len) {
		memcpy(bytes + len, &fragment, sizeof(fragment));
		next = IPPROTO_FRAGMENT;
	}
	if (!len)
		return next;
	memset(bytes, 0, len); /* option 0: one byte of padding */
	bytes[0] = next;
	bytes[1] = frame->options - 1;
	return IPPROTO_HOPOPTS;
}

static size_t build_v6(const struct frame *frame, __u8 *bytes)
{
	size_t head = frame_l3_len(frame);
	size_t len = build_transport(frame, bytes + head);
	bool more;
	struct ipaddr src = ip_of(frame->src), dst = ip_of(frame->dst);
	struct ipv6hdr ip = {
		.version = 6,
		.hop_limit = frame->ttl,
	};

	len = head + cut(frame, bytes + head, len, &more);
	ip.payload_len = htons(len - sizeof(ip));
	ip.nexthdr = build_extensions(frame, more, bytes + sizeof(ip));

	memcpy(&ip.saddr, &src, sizeof(src));
	memcpy(&ip.daddr, &dst, sizeof(dst));
	memcpy(bytes, &ip, sizeof(ip));
	return len;
}

size_t frame_build(const struct frame *frame, __u8 *bytes)
{
	bool v4 = is_v4(frame->src);
	struct ethhdr eth = { .h_proto = htons(v4 ? ETH_P_IP : ETH_P_IPV6) };

	memcpy(eth.h_source, node_mac(frame->smac), ETH_ALEN);
	memcpy(eth.h_dest, node_mac(frame->dmac), ETH_ALEN);
	memcpy(bytes, &eth, sizeof(eth));
	return sizeof(eth) + (v4 ? build_v4(frame, bytes + sizeof(eth)) :
				   build_v6(frame, bytes + sizeof(eth)));
}

size_t frame_build_partial(const struct frame *frame, __u8 *bytes,
			   struct partial *ret_partial)
{
	size_t len = frame_build(frame, bytes);
	size_t start = ETH_HLEN + (is_v4(frame->src) ? 20 : 40);
	size_t offset = frame->proto == IPPROTO_TCP ? 16 : 6;
	__u16 sum = ~sum_end(pseudo_sum(frame, len - start));

	memcpy(bytes + start + offset, &sum, sizeof(sum));
	*ret_partial = (struct partial){ start, offset };
	return len;
}
