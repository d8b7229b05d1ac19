/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_dp_hostport - masquerade leaves the ports of the host's sockets alone */
#include "dp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"

/*
 * The host's own sockets use the address that masquerade uses. A container that
 * got the port of one would take the answers from it. The tests open such
 * sockets in the host's namespace, where the programs look for them.
 */
#define PORT 4000

static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

struct address {
	struct sockaddr_storage storage;
	socklen_t len;
};

static struct address make_address(const char *text, __u16 port)
{
	struct address address = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *v4 = (void *)&address.storage;
	struct sockaddr_in6 *v6 = (void *)&address.storage;

	if (!strchr(text, ':')) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
		return address;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	address.len = sizeof(*v6);
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	return address;
}

/* Bound, and a TCP one listens unless it is to connect. */
static int open_socket(int type, const char *host, __u16 port)
{
	const struct address address = make_address(host, port);
	int fd = socket(address.storage.ss_family,
			type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (const void *)&address.storage, address.len),
			 0);
	return fd;
}

static int open_server(int type, const char *host, __u16 port)
{
	int fd = open_socket(type, host, port);

	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* TCP has sent its SYN and waits. */
static int open_client(int type, const char *host, __u16 port,
		       const char *server, __u16 server_port)
{
	const struct address address = make_address(server, server_port);
	int fd = open_socket(type, host, port);
	int ret = connect(fd, (const void *)&address.storage, address.len);

	assert_true(ret == 0 || errno == EINPROGRESS);
	return fd;
}

static struct frame client(const struct dp *dp, int type, const char *server,
			   __u16 dport)
{
	return type == SOCK_STREAM ?
		       frame_tcp(dp->ip.web, PORT, server, dport) :
		       frame_udp(dp->ip.web, PORT, server, dport);
}

/* The port that it leaves with, after a look at the whole frame. */
static __u16 masquerade(struct dp *dp, struct frame frame)
{
	__u16 port;

	dp_ingress(dp, WEB, frame);
	port = dp_out_port(dp);
	dp_expect_sent(dp, frame_out(frame_from(frame, dp->ip.host, port)));
	return port;
}

static void port_of_a_server_is_not_taken(void **state)
{
	struct dp *dp = *state;
	const char *hosts[] = { dp->ip.host, dp->ip.any };

	for (int i = 0; i < 4; i++) {
		int type = types[i / 2];
		int fd = open_server(type, hosts[i % 2], PORT);

		assert_int_not_equal(
			masquerade(dp, client(dp, type, dp->ip.server, 443)),
			PORT);
		close(fd);
		/* Now it is free, for the next flow. */
		assert_int_equal(
			masquerade(dp, client(dp, type, dp->ip.server2, 443)),
			PORT);
		dp_gc(dp, SLOT_WEB);
	}
}

/* The answers that it waits for would be the container's. */
static void port_of_a_client_is_not_taken_towards_its_server(void **state)
{
	struct dp *dp = *state;

	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int fd = open_client(types[i], dp->ip.host,
						     PORT, dp->ip.server, 443);

		assert_int_not_equal(masquerade(dp, client(dp, types[i],
							   dp->ip.server, 443)),
				     PORT);
		assert_int_equal(masquerade(dp, client(dp, types[i],
						       dp->ip.server2, 443)),
				 PORT);
		assert_int_equal(masquerade(dp, client(dp, types[i],
						       dp->ip.server, 444)),
				 PORT);
	}
}

static void socket_of_another_address_or_protocol_is_no_matter(void **state)
{
	struct dp *dp = *state;

	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int front =
			open_server(types[i], dp->ip.front, PORT);
		_cleanup_close_ int other =
			open_server(types[!i], dp->ip.host, PORT);

		assert_int_equal(masquerade(dp, client(dp, types[i],
						       dp->ip.server, 443)),
				 PORT);
	}
}

/* An identifier is no port. */
static void echo_minds_no_socket(void **state)
{
	struct dp *dp = *state;
	_cleanup_close_ int tcp = open_server(SOCK_STREAM, dp->ip.host, PORT);
	_cleanup_close_ int udp = open_server(SOCK_DGRAM, dp->ip.host, PORT);

	assert_int_equal(
		masquerade(dp, frame_echo(dp->ip.web, dp->ip.server, PORT)),
		PORT);
}

static void range_without_a_free_port_is_exhausted(void **state)
{
	struct dp *dp = *state;

	dp->config->snat_port_min = PORT;
	dp->config->snat_port_max = PORT + 1;
	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int one =
			open_server(types[i], dp->ip.host, PORT);
		int two = open_server(types[i], dp->ip.host, PORT + 1);
		struct frame frame = client(dp, types[i], dp->ip.server, 443);

		dp_ingress(dp, WEB, frame);
		dp_expect_dropped(dp, REASON_SNAT_EXHAUSTED);
		assert_int_equal(dp_flow_entries(dp), 2 * i);
		close(two);
		assert_int_equal(masquerade(dp, frame), PORT + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DP_TEST_BOTH(port_of_a_server_is_not_taken),
		DP_TEST_BOTH(port_of_a_client_is_not_taken_towards_its_server),
		DP_TEST_BOTH(
			socket_of_another_address_or_protocol_is_no_matter),
		DP_TEST_BOTH(echo_minds_no_socket),
		DP_TEST_BOTH(range_without_a_free_port_is_exhausted),
	};

	return dp_main(tests);
}
