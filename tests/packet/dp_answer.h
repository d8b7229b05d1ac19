/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dp_answer - what a sender should hear, byte by byte from the RFCs */
#ifndef BPFNET_TEST_DP_ANSWER_H
#define BPFNET_TEST_DP_ANSWER_H

#include "dp.h"

/* A frame that goes back; l4 is the offset of its transport header. */
struct answer {
	__u8 bytes[FRAME_MAX];
	size_t len;
	size_t l4;
};

__u32 sum_words(const __u8 *bytes, size_t len);
__u16 sum_fold(__u32 sum);
void put16(__u8 *at, __u16 value); /* in wire order */
bool frame_is_v4(const __u8 *frame);
/* Of the pseudo header, without the checksum's inversion. */
__u32 pseudo_sum(const struct answer *answer, __u8 proto);

/* To the sender of the frame `in`, from whom it went to: len bytes of proto,
 * still zero. */
struct answer answer_to(const __u8 *in, __u8 proto, size_t len);

/* An ICMP error about `in`, from the address `from` (NULL: whom it went to);
 * word is the MTU, or 0. It quotes all of IP's header and quote bytes more. */
struct answer error_to(const __u8 *in, __u8 type, __u8 code, const char *from,
		       __u16 word, size_t quote);

/* The last frame ended under `reason`, and the sender hears exactly that from
 * `from`; mtu: with REASON_TOO_BIG. */
#define dp_expect_told(dp, reason, from, mtu) \
	dp_check_told(dp, reason, from, mtu, __FILE__, __LINE__)
void dp_check_told(struct dp *dp, enum reason reason, const char *from,
		   __u16 mtu, const char *file, int line);

#endif
