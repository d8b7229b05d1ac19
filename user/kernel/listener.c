/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* listener - ports that processes of a network namespace serve */
#include "kernel/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"

/* As in /proc/net/tcp; a UDP socket without a peer is "closed". */
#define STATE_LISTENS TCP_LISTEN
#define STATE_NO_PEER TCP_CLOSE

/* Words of an address, each printed as the number that this machine reads. */
static bool parse_ip(const char *hex, struct ipaddr *ret)
{
	__u32 word[4];
	int words = sscanf(hex, "%8x%8x%8x%8x", &word[0], &word[1], &word[2],
			   &word[3]);

	if (words == 1)
		*ret = ip_from_v4(word[0]);
	else if (words == 4)
		memcpy(ret, word, sizeof(word));
	else
		return false;
	return true;
}

/* "  12: 0100007F:1F90 00000000:0000 0A ..." */
static bool parse_line(const char *line, struct listener *ret,
		       unsigned int *ret_state)
{
	unsigned int port;
	char hex[33];

	if (sscanf(line, " %*u: %32[0-9A-F]:%4x %*[0-9A-F]:%*4x %2x", hex,
		   &port, ret_state) != 3)
		return false;
	ret->port = port;
	return parse_ip(hex, &ret->ip);
}

static void
read_table(const char *path, __u8 proto,
	   void (*visit)(const struct listener *listener, void *arg), void *arg)
{
	const unsigned int wanted =
		proto == IPPROTO_TCP ? STATE_LISTENS : STATE_NO_PEER;
	FILE *table = fopen(path, "re");
	unsigned int state;
	char line[512];

	if (!table)
		return;
	while (fgets(line, sizeof(line), table)) {
		struct listener listener = { .proto = proto };

		/* The first line is a header. */
		if (!parse_line(line, &listener, &state))
			continue;
		if (state == wanted)
			visit(&listener, arg);
		else if (proto == IPPROTO_TCP)
			/* Connections follow, and there may be very many. */
			break;
	}
	fclose(table);
}

void listener_each(void (*visit)(const struct listener *listener, void *arg),
		   void *arg)
{
	read_table("/proc/thread-self/net/tcp", IPPROTO_TCP, visit, arg);
	read_table("/proc/thread-self/net/tcp6", IPPROTO_TCP, visit, arg);
	read_table("/proc/thread-self/net/udp", IPPROTO_UDP, visit, arg);
	read_table("/proc/thread-self/net/udp6", IPPROTO_UDP, visit, arg);
}
