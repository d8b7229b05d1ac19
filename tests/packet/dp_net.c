/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* dp_net - the namespaces and devices that packet tests run in */
#include "dp.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define LIVE_SECONDS 5

static const char *const device_name[DEVICES] = {
	[WEB] = "web",	 [MATE] = "mate", [DB] = "db",	 [FRONT] = "front",
	[BACK] = "back", [UP] = "up",	  [LAN] = "lan",
};

static bool is_cable(int device)
{
	return device != FRONT && device != BACK;
}

/* MACs of a container are at its end of the cable, those of the router beyond
 * the uplink; the host's end of a container's cable has any. */
static void print_cable(FILE *ip, const struct dp *dp, enum node device)
{
	const __u8 *host = node_mac(device), *peer = node_mac(ROUTER);
	const __u8 any[] = { 2, 0, 0x5e, 1, 0, device };

	if (device < FRONT) {
		peer = host;
		host = any;
	}
	fprintf(ip,
		"link add name %s address %02x:%02x:%02x:%02x:%02x:%02x type veth "
		"peer name %s address %02x:%02x:%02x:%02x:%02x:%02x "
		"netns /proc/%d/fd/%d\n",
		device_name[device], host[0], host[1], host[2], host[3],
		host[4], host[5], device_name[device], peer[0], peer[1],
		peer[2], peer[3], peer[4], peer[5], getpid(), dp->outside);
}

static void print_bridge(FILE *ip, enum node device)
{
	const __u8 *mac = node_mac(device);

	fprintf(ip,
		"link add name %s address %02x:%02x:%02x:%02x:%02x:%02x "
		"type bridge\n",
		device_name[device], mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

static void print_host(FILE *ip, const struct dp *dp)
{
	static const char *const routers[] = {
		"198.51.100.254 dev up",
		"2001:db8:51::fe dev up",
		"10.99.0.7 dev lan",
		"fd00:99::7 dev lan",
	};
	const __u8 *router = node_mac(ROUTER);

	for (int device = WEB; device < DEVICES; device++)
		if (is_cable(device))
			print_cable(ip, dp, device);
		else
			print_bridge(ip, device);
	for (int device = WEB; device < DEVICES; device++)
		fprintf(ip, "link set dev %s up\n", device_name[device]);
	fprintf(ip, "link set dev lo up\n"
		    "link set dev web master front\n"
		    "link set dev mate master front\n"
		    "link set dev db master back\n"
		    "addr add 192.168.10.1/24 dev front\n"
		    "addr add 192.168.20.1/24 dev back\n"
		    "addr add 198.51.100.1/24 dev up\n"
		    "addr add 10.99.0.1/16 dev lan\n"
		    "addr add fd00:10::1/64 dev front nodad\n"
		    "addr add fd00:20::1/64 dev back nodad\n"
		    "addr add 2001:db8:51::1/64 dev up nodad\n"
		    "addr add fd00:99::1/64 dev lan nodad\n"
		    "route add default via 198.51.100.254\n"
		    "route add default via 2001:db8:51::fe\n"
		    "route add unreachable 10.98.0.0/16\n"
		    "route add unreachable fd00:98::/64\n");
	for (size_t i = 0; i < sizeof(routers) / sizeof(*routers); i++)
		fprintf(ip,
			"neigh add %s lladdr %02x:%02x:%02x:%02x:%02x:%02x "
			"nud permanent\n",
			routers[i], router[0], router[1], router[2], router[3],
			router[4], router[5]);
}

/* "ip -batch -" in the current namespace. */
static FILE *ip_open(void)
{
	return popen("ip -batch -", "w");
}

static bool write_sysctl(const char *name, const char *value)
{
	_cleanup_close_ int fd = -1;
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, value, strlen(value)) > 0;
}

/* Mounts and namespaces of our own: whatever is made here, pins included, ends
 * with the process, however it ends. */
static bool leave_the_machine(struct dp *dp)
{
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) != 0)
		return false;
	if (unshare(CLONE_NEWNET) != 0 ||
	    !write_sysctl("ipv6/conf/default/disable_ipv6", "1"))
		return false;
	/* Inherited by ip, which names it as /proc/PID/fd/N. */
	dp->outside = open("/proc/self/ns/net", O_RDONLY);
	return dp->outside >= 0 && unshare(CLONE_NEWNET) == 0;
}

static bool make_outside(const struct dp *dp)
{
	_cleanup_close_ int host =
		open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	FILE *ip;
	int status;

	if (host < 0 || setns(dp->outside, CLONE_NEWNET) != 0)
		return false;
	ip = ip_open();
	if (!ip)
		return false;
	for (int device = WEB; device < DEVICES; device++)
		if (is_cable(device))
			fprintf(ip, "link set dev %s up\n",
				device_name[device]);
	status = pclose(ip);
	return setns(host, CLONE_NEWNET) == 0 && status == 0;
}

bool dp_net_make(struct dp *dp)
{
	FILE *ip;

	/* Forwarding on the bridges only, as bpfnet itself sets it. */
	if (!leave_the_machine(dp))
		return false;
	ip = ip_open();
	if (!ip)
		return false;
	print_host(ip, dp);
	if (pclose(ip) != 0 || !make_outside(dp))
		return false;
	for (int device = WEB; device < DEVICES; device++)
		dp->ifindex[device] = (int)if_nametoindex(device_name[device]);
	return write_sysctl("ipv4/conf/front/forwarding", "1") &&
	       write_sysctl("ipv4/conf/back/forwarding", "1") &&
	       write_sysctl("ipv6/conf/front/forwarding", "1") &&
	       write_sysctl("ipv6/conf/back/forwarding", "1");
}

/* ------------------------------------------- frames on real devices */

static int open_socket(enum node device)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(device_name[device]),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&addr, sizeof(addr)), 0);
	return fd;
}

void dp_live_open(struct dp *dp)
{
	_cleanup_close_ int host =
		open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	for (int device = WEB; device <= DB; device++)
		assert_int_equal(attach_endpoint(dp->datapath,
						 dp->ifindex[device], &dp->err),
				 0);
	assert_int_equal(attach_uplink(dp->datapath, dp->ifindex[UP], &dp->err),
			 0);

	assert_int_equal(setns(dp->outside, CLONE_NEWNET), 0);
	for (int device = WEB; device < DEVICES; device++)
		if (is_cable(device))
			dp->sockets[device] = open_socket(device);
	assert_int_equal(setns(host, CLONE_NEWNET), 0);
}

void dp_live_close(struct dp *dp)
{
	for (int device = WEB; device < DEVICES; device++)
		if (is_cable(device))
			close(dp->sockets[device]);
	for (int device = WEB; device <= DB; device++)
		assert_int_equal(detach_endpoint(dp->datapath,
						 dp->ifindex[device], &dp->err),
				 0);
	assert_int_equal(detach_uplink(dp->datapath, dp->ifindex[UP], &dp->err),
			 0);
}

void dp_live_send(struct dp *dp, enum node node, const __u8 *bytes, size_t len)
{
	assert_int_equal(send(dp->sockets[node], bytes, len, 0), len);
}

static void set_header(int fd, int on)
{
	assert_int_equal(
		setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)),
		0);
}

void dp_live_send_partial(struct dp *dp, enum node node, const __u8 *bytes,
			  size_t len, struct partial partial)
{
	struct {
		struct virtio_net_hdr head;
		__u8 frame[FRAME_MAX];
	} __attribute__((packed)) out = {
		.head = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			  .csum_start = partial.start,
			  .csum_offset = partial.offset },
	};

	memcpy(out.frame, bytes, len);
	len += sizeof(out.head);
	set_header(dp->sockets[node], 1);
	assert_int_equal(send(dp->sockets[node], &out, len, 0), len);
	set_header(dp->sockets[node], 0);
}

/* Frames of the kernel's own may come between. */
bool dp_live_receive(struct dp *dp, enum node node, const __u8 *want,
		     size_t len)
{
	struct timeval wait = { .tv_sec = LIVE_SECONDS };
	struct sockaddr_ll from = { 0 };
	socklen_t size = sizeof(from);
	__u8 got[FRAME_MAX];
	ssize_t n;

	setsockopt(dp->sockets[node], SOL_SOCKET, SO_RCVTIMEO, &wait,
		   sizeof(wait));
	do {
		n = recvfrom(dp->sockets[node], got, sizeof(got), 0,
			     (void *)&from, &size);
		dp->packet_type = from.sll_pkttype;
		if (n == (ssize_t)len && memcmp(got, want, len) == 0)
			return true;
	} while (n >= 0);
	return false;
}

bool dp_live_reason(struct dp *dp, enum reason why, __u64 count)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < LIVE_SECONDS * 1000; i++) {
		if (dp_reason(dp, why) >= count)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}
