/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dp_answer - answers built by plain code, to compare with */
#include "dp_answer.h"

#include <arpa/inet.h>
#include <linux/pkt_cls.h>

__u32 sum_words(const __u8 *bytes, size_t len)
{
	__u32 sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	return sum;
}

__u16 sum_fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

void put16(__u8 *at, __u16 value)
{
	at[0] = value >> 8;
	at[1] = value & 0xff;
}

bool frame_is_v4(const __u8 *frame)
{
	return frame[12] == 0x08;
}

__u32 pseudo_sum(const struct answer *answer, __u8 proto)
{
	size_t addresses = frame_is_v4(answer->bytes) ? 8 : 32;

	return sum_words(answer->bytes + answer->l4 - addresses, addresses) +
	       answer->len - answer->l4 + proto;
}

/* To the sender of `in`, from whom he wrote to: len bytes of proto. */
struct answer answer_to(const __u8 *in, __u8 proto, size_t len)
{
	bool v4 = frame_is_v4(in);
	struct answer answer = { .l4 = v4 ? 34 : 54 };
	__u8 *ip = answer.bytes + 14;

	answer.len = answer.l4 + len;
	memcpy(answer.bytes, in + 6, 6);
	memcpy(answer.bytes + 6, in, 6);
	memcpy(answer.bytes + 12, in + 12, 2);
	if (v4) {
		ip[0] = 0x45;
		put16(ip + 2, 20 + len);
		ip[6] = 0x40;
		ip[8] = 64;
		ip[9] = proto;
		memcpy(ip + 12, in + 30, 4);
		memcpy(ip + 16, in + 26, 4);
		put16(ip + 10, ~sum_fold(sum_words(ip, 20)));
	} else {
		ip[0] = 0x60;
		put16(ip + 4, len);
		ip[6] = proto;
		ip[7] = 64;
		memcpy(ip + 8, in + 38, 16);
		memcpy(ip + 24, in + 22, 16);
	}
	return answer;
}

static void set_source(struct answer *answer, const char *from)
{
	struct ipaddr ip = ip_of(from);
	__u8 *header = answer->bytes + ETH_HLEN;

	if (!frame_is_v4(answer->bytes)) {
		memcpy(header + 8, &ip, 16);
		return;
	}
	memcpy(header + 12, &ip.word[3], 4);
	put16(header + 10, 0);
	put16(header + 10, ~sum_fold(sum_words(header, 20)));
}

struct answer error_to(const __u8 *in, __u8 type, __u8 code, const char *from,
		       __u16 word, size_t quote)
{
	bool v4 = frame_is_v4(in);
	__u8 proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	size_t quoted = (v4 ? 20 : 40) + quote;
	struct answer answer = answer_to(in, proto, 8 + quoted);
	__u8 *icmp = answer.bytes + answer.l4;

	if (from)
		set_source(&answer, from);
	icmp[0] = type;
	icmp[1] = code;
	put16(icmp + 6, word);
	memcpy(icmp + 8, in + ETH_HLEN, quoted);
	put16(icmp + 2, ~sum_fold(sum_words(icmp, 8 + quoted) +
				  (v4 ? 0 : pseudo_sum(&answer, proto))));
	return answer;
}

/* RFC 792, RFC 4443. */
static struct answer told(const __u8 *in, enum reason reason, const char *from,
			  __u16 mtu)
{
	bool v4 = frame_is_v4(in);
	bool extended = !v4 && (in[20] == IPPROTO_FRAGMENT ||
				in[20] == IPPROTO_HOPOPTS);
	size_t quote = extended ? 16 : 8;

	switch (reason) {
	case REASON_TTL:
		return error_to(in, v4 ? 11 : 3, 0, from, 0, quote);
	case REASON_TOO_BIG:
		return error_to(in, v4 ? 3 : 2, v4 ? 4 : 0, from, mtu, quote);
	default:
		return error_to(in, v4 ? 3 : 1, 0, from, 0, quote);
	}
}

void dp_check_told(struct dp *dp, enum reason reason, const char *from,
		   __u16 mtu, const char *file, int line)
{
	const struct answer want = told(dp->in, reason, from, mtu);

	if (dp->why != reason || dp->verdict != TC_ACT_REDIRECT ||
	    dp->out_len != want.len ||
	    memcmp(dp->out, want.bytes, want.len) != 0) {
		print_error("ended as '%s' (verdict %d), %zu bytes went back\n",
			    reason_label[dp->why], dp->verdict, dp->out_len);
		_fail(file, line);
	}
}
