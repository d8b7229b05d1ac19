/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* csum - the internet checksum's arithmetic (RFC 1071) */
#ifndef BPFNET_BPF_CSUM_H
#define BPFNET_BPF_CSUM_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/* A sum of 32-bit words in 16 bits, ones' complement, not inverted. */
static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

#endif
