/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hash - numbers for bytes: quick, and not the same from build to build */
#ifndef BPFNET_HASH_H
#define BPFNET_HASH_H

#include <stdint.h>
#include <string.h>

/* Both halves of the product of two words, folded. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes at a time, as wyhash does. For tables and sums of one machine;
 * what users see comes from hash_bytes. */
static inline uint64_t hash_quick(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint64_t hash = 0x9e3779b97f4a7c15u ^ len, word;

	for (; len >= sizeof(word); len -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = hash_fold(hash ^ word, 0xd6e8feb86659fd93u);
		bytes += sizeof(word);
	}
	word = 0;
	memcpy(&word, bytes, len);
	return hash_fold(hash ^ word, 0xa0761d6478bd642fu);
}

#endif
