/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* look - everything that an instance has made, as text that can be compared */
#include "look.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel/netns.h"
#include "kernel/nl.h"
#include "lib/cleanup.h"
#include "lib/file.h"

#define LINES_MAX 16384
#define INDEX_MAX 65536
#define ATTRS_MAX 64
#define TCX_INGRESS \
	46 /* enum bpf_attach_type of newer headers; egress is next */

static FILE *out;
/* Of the namespace that is being looked at; lastly, the host's. */
static char device[INDEX_MAX][IFNAMSIZ];
static const char *space;

static const char *device_name(__u32 ifindex)
{
	if (!ifindex)
		return "-";
	return ifindex < INDEX_MAX && device[ifindex][0] ? device[ifindex] :
							   "(gone)";
}

static void print_hex(const void *data, size_t len)
{
	const __u8 *bytes = data;

	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", bytes[i]);
}

/* ------------------------------------------------- devices, addresses, routes */

static int on_attr(const struct nlattr *attr, void *arg)
{
	const struct nlattr **attrs = arg;

	if (mnl_attr_get_type(attr) < ATTRS_MAX)
		attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void print_attr(const char *name, const struct nlattr *attr)
{
	if (!attr)
		return;
	fprintf(out, " %s ", name);
	print_hex(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

static void kind_of(const struct nlattr *info, char kind[16])
{
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	kind[0] = '\0';
	if (info)
		mnl_attr_parse_nested(info, on_attr, attrs);
	if (attrs[IFLA_INFO_KIND])
		snprintf(kind, 16, "%s",
			 mnl_attr_get_str(attrs[IFLA_INFO_KIND]));
}

/* Masters may come after their ports, so names are taken first. */
static int on_link_name(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *link;
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	(void)arg;
	if (!nlh)
		return MNL_CB_OK;
	link = mnl_nlmsg_get_payload(nlh);
	mnl_attr_parse(nlh, sizeof(*link), on_attr, attrs);
	if (link->ifi_index < INDEX_MAX && attrs[IFLA_IFNAME])
		snprintf(device[link->ifi_index], IFNAMSIZ, "%s",
			 mnl_attr_get_str(attrs[IFLA_IFNAME]));
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };
	char kind[16];

	(void)arg;
	mnl_attr_parse(nlh, sizeof(*link), on_attr, attrs);
	kind_of(attrs[IFLA_LINKINFO], kind);
	fprintf(out, "%s: link %s %s %s", space, device_name(link->ifi_index),
		kind, link->ifi_flags & IFF_UP ? "up" : "down");
	if (attrs[IFLA_MTU])
		fprintf(out, " mtu %u", mnl_attr_get_u32(attrs[IFLA_MTU]));
	if (attrs[IFLA_MASTER])
		fprintf(out, " master %s",
			device_name(mnl_attr_get_u32(attrs[IFLA_MASTER])));
	/* The kernel chooses that of an end on a bridge. */
	if (!attrs[IFLA_MASTER] || strcmp(kind, "veth") != 0)
		print_attr("mac", attrs[IFLA_ADDRESS]);
	fputc('\n', out);
	return MNL_CB_OK;
}

/* fe80::/10 and ff00::/8 come and go with a device's state. */
static bool is_link_local(int family, const struct nlattr *attr)
{
	const __u8 *addr = attr ? mnl_attr_get_payload(attr) : NULL;

	return family == AF_INET6 && addr &&
	       (addr[0] == 0xff || (addr[0] == 0xfe && addr[1] == 0x80));
}

static int on_addr(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *addr = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	(void)arg;
	mnl_attr_parse(nlh, sizeof(*addr), on_attr, attrs);
	if (is_link_local(addr->ifa_family, attrs[IFA_ADDRESS]))
		return MNL_CB_OK;
	fprintf(out, "%s: address %s /%u scope %u", space,
		device_name(addr->ifa_index), addr->ifa_prefixlen,
		addr->ifa_scope);
	print_attr("local", attrs[IFA_LOCAL]);
	print_attr("address", attrs[IFA_ADDRESS]);
	fputc('\n', out);
	return MNL_CB_OK;
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	(void)arg;
	mnl_attr_parse(nlh, sizeof(*route), on_attr, attrs);
	if (route->rtm_flags & RTM_F_CLONED ||
	    is_link_local(route->rtm_family, attrs[RTA_DST]))
		return MNL_CB_OK;
	fprintf(out, "%s: route table %u type %u /%u scope %u dev %s", space,
		route->rtm_table, route->rtm_type, route->rtm_dst_len,
		route->rtm_scope,
		attrs[RTA_OIF] ? device_name(mnl_attr_get_u32(attrs[RTA_OIF])) :
				 "-");
	print_attr("to", attrs[RTA_DST]);
	print_attr("via", attrs[RTA_GATEWAY]);
	print_attr("from", attrs[RTA_PREFSRC]);
	fputc('\n', out);
	return MNL_CB_OK;
}

static int on_qdisc(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg *qdisc = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	(void)arg;
	mnl_attr_parse(nlh, sizeof(*qdisc), on_attr, attrs);
	/* That of lo comes when it goes up first, and stays. */
	if (attrs[TCA_KIND] &&
	    strcmp(device_name(qdisc->tcm_ifindex), "lo") != 0)
		fprintf(out, "%s: qdisc %s %s\n", space,
			device_name(qdisc->tcm_ifindex),
			mnl_attr_get_str(attrs[TCA_KIND]));
	return MNL_CB_OK;
}

static void dump(struct nl *nl, __u16 type, size_t header, mnl_cb_t visit)
{
	struct nlmsghdr *req = nl_request(nl, type, NLM_F_DUMP);
	struct err err;

	mnl_nlmsg_put_extra_header(req, header);
	if (nl_dump(nl, req, visit, NULL, &err))
		fail_msg("look at %s: %s", space, err.text);
}

static void print_space(const char *name, int netns)
{
	struct nl *nl;

	space = name;
	memset(device, 0, sizeof(device));
	assert_int_equal(nl_open(netns, &nl, NULL), 0);
	dump(nl, RTM_GETLINK, sizeof(struct ifinfomsg), on_link_name);
	dump(nl, RTM_GETLINK, sizeof(struct ifinfomsg), on_link);
	dump(nl, RTM_GETADDR, sizeof(struct ifaddrmsg), on_addr);
	dump(nl, RTM_GETROUTE, sizeof(struct rtmsg), on_route);
	dump(nl, RTM_GETQDISC, sizeof(struct tcmsg), on_qdisc);
	nl_close(nl);
}

static void print_spaces(void)
{
	DIR *list = opendir("/run/netns");
	struct dirent *entry;

	while (list && (entry = readdir(list))) {
		_cleanup_close_ int netns = -1;

		if (entry->d_name[0] == '.')
			continue;
		netns = netns_open(entry->d_name, NULL);
		if (netns < 0)
			fprintf(out, "%s: no namespace\n", entry->d_name);
		else
			print_space(entry->d_name, netns);
	}
	if (list)
		closedir(list);
	print_space("(host)", -1);
}

/* -------------------------------------------------------------------- hooks */

static void print_program(const char *where, int type, __u32 id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		fprintf(out, "%s: hook %d %s\n", where, type, info.name);
}

static void print_attached(const char *where, int target, int type)
{
	__u32 ids[16], flags, count = 16;

	if (bpf_prog_query(target, type, 0, &flags, ids, &count))
		return;
	for (__u32 i = 0; i < count; i++)
		print_program(where, type, ids[i]);
}

/* See FILTER_PRIORITY in clsact.c. */
static void print_filter(int ifindex, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 0xb9f, .priority = 0xbf);

	if (!bpf_tc_query(&hook, &opts))
		print_program(device_name(ifindex), (int)point, opts.prog_id);
}

static void print_hooks(const char *cgroup)
{
	_cleanup_close_ int dir = open(cgroup, O_RDONLY | O_CLOEXEC);

	for (int type = 0; type < TCX_INGRESS; type++)
		print_attached(cgroup, dir, type);
	for (int i = 1; i < INDEX_MAX; i++) {
		if (!device[i][0])
			continue;
		print_attached(device[i], i, TCX_INGRESS);
		print_attached(device[i], i, TCX_INGRESS + 1);
		print_filter(i, BPF_TC_INGRESS);
		print_filter(i, BPF_TC_EGRESS);
	}
}

/* ------------------------------------------------------------ files and pins */

/* A namespace that gets its name back has it by another mount, which is the last
 * word before the sum. */
static void cut_mount(char *line)
{
	char *sum = strrchr(line, ' ');
	char *mount;

	if (!strstr(line, " netns ") && !strstr(line, " endpoint "))
		return;
	assert_non_null(sum);
	*sum = '\0';
	mount = strrchr(line, ' ');
	if (mount)
		*mount = '\0';
}

static int on_file(const char *path, const struct stat *st, int type,
		   struct FTW *ftw)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;

	(void)st;
	(void)ftw;
	fprintf(out, "%s\n", path);
	/* Of the journal, what it adds up to; the lock has its size. */
	if (type != FTW_F || !strcmp(path, RUN_DIR "/lock"))
		return 0;
	if (!strcmp(path, RUN_DIR "/journal"))
		text = record();
	else if (file_read(path, &text, NULL, NULL))
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strcmp(path, RUN_DIR "/journal"))
			cut_mount(line);
		fprintf(out, "%s: %s\n", path, line);
	}
	return 0;
}

/* "from_container_12" -> the name of device 12. */
static int on_pin(const char *path, const struct stat *st, int type,
		  struct FTW *ftw)
{
	const char *number = strrchr(path, '_');
	char *end = NULL;
	unsigned long ifindex = number ? strtoul(number + 1, &end, 10) : 0;

	(void)st;
	(void)type;
	(void)ftw;
	if (ifindex && !*end && strstr(path, "/links/"))
		fprintf(out, "%.*s %s\n", (int)(number - path), path,
			device_name(ifindex));
	else
		fprintf(out, "%s\n", path);
	return 0;
}

/* ----------------------------------------------------------------- tables */

/* Where the values of a table have device numbers. */
static const struct {
	enum map_id map;
	bool key; /* the key is one */
	size_t offsets[2], count;
} tables[] = {
	{ MAP_ENDPOINTS, true, { 0, 4 }, 2 }, { MAP_ADDRS, false, { 0, 4 }, 2 },
	{ MAP_NETWORKS, false, { 4 }, 1 },    { MAP_LOCALS, false, { 0 }, 1 },
	{ MAP_UPLINKS, false, { 0 }, 1 },     { MAP_NO_MASQ, false, { 0 }, 0 },
	{ MAP_SUBNETS, false, { 0 }, 0 },     { MAP_PUBLISH, false, { 0 }, 0 },
	{ MAP_PUB_FROM, false, { 0 }, 0 },
};

static const enum map_id traffic[] = { MAP_FLOWS, MAP_EMBRYOS, MAP_EP_FLOWS,
				       MAP_PUB_HITS, MAP_RULE_HITS };

struct printing {
	size_t table;
	enum map_id map;
};

_Static_assert(offsetof(struct endpoint_val, bridge_ifindex) == 4 &&
		       offsetof(struct network_val, bridge_ifindex) == 4,
	       "the offsets in tables");

static void print_indexes(const char *value, size_t table, char *copy)
{
	for (size_t i = 0; i < tables[table].count; i++) {
		size_t offset = tables[table].offsets[i];
		__u32 ifindex;

		memcpy(&ifindex, value + offset, sizeof(ifindex));
		memset(copy + offset, 0, sizeof(ifindex));
		fprintf(out, " %s", device_name(ifindex));
	}
}

static void on_row(const char *key, size_t key_size, const char *value,
		   size_t value_size, void *arg)
{
	const struct printing *printing = arg;
	char copy[256];

	memcpy(copy, value, value_size);
	fprintf(out, "%s ", map_name[printing->map]);
	if (tables[printing->table].key)
		fprintf(out, "%s",
			device_name(*(const __u32 *)(const void *)key));
	else
		print_hex(key, key_size);
	print_indexes(value, printing->table, copy);
	fputc(' ', out);
	print_hex(copy, value_size);
	fputc('\n', out);
}

static void on_traffic(const char *key, size_t key_size, const char *value,
		       size_t value_size, void *arg)
{
	fprintf(out, "%s ", map_name[*(enum map_id *)arg]);
	print_hex(key, key_size);
	fputc(' ', out);
	print_hex(value, value_size);
	fputc('\n', out);
}

/* The bank is a number that no policy has twice. */
static void on_cidr(const char *key, size_t key_size, const char *value,
		    size_t value_size, void *arg)
{
	const struct policy_cidr_key *cidr = (const void *)key;
	const struct policy_head *head = arg;

	(void)key_size;
	fprintf(out, "bn_policy_cidr %s %u ",
		cidr->bank == head->bank ? "in force" : "left behind",
		cidr->prefix_bits);
	print_hex(&cidr->addr, sizeof(cidr->addr));
	fputc(' ', out);
	print_hex(value, value_size);
	fputc('\n', out);
}

static void print_policy(struct datapath *dp)
{
	union policy_line line = { .head = { 0 } };
	__u32 zero = 0, id = 0;

	if (!table_get(dp, MAP_POLICY, &zero, &id)) {
		_cleanup_close_ int lines = bpf_map_get_fd_by_id(id);
		struct bpf_map_info info = { 0 };
		__u32 len = sizeof(info);

		assert_int_equal(bpf_obj_get_info_by_fd(lines, &info, &len), 0);
		for (__u32 i = info.max_entries; i-- > 0;) {
			union policy_line shown;

			assert_int_equal(bpf_map_lookup_elem(lines, &i, &line),
					 0);
			shown = line;
			if (!i)
				shown.head.bank = 0;
			fprintf(out, "bn_policy %u ", i);
			print_hex(&shown, sizeof(shown));
			fputc('\n', out);
		}
	}
	table_each(dp, MAP_POLICY_CIDR, on_cidr, &line.head);
}

static void print_config(struct datapath *dp)
{
	struct datapath_config config = *datapath_config(dp);

	config.generation = config.route_generation = config.policy_bank = 0;
	config.heartbeat = 0;
	fprintf(out, "bn_config ");
	print_hex(&config, sizeof(config));
	fputc('\n', out);
}

static void print_endpoint_stats(struct datapath *dp)
{
	static const struct endpoint_stats none;
	struct endpoint_stats stats;

	for (__u32 slot = 0; slot < 64; slot++) {
		assert_int_equal(counters_endpoint(dp, slot, &stats, NULL), 0);
		if (!memcmp(&stats, &none, sizeof(stats)))
			continue;
		fprintf(out, "bn_ep_stats %u ", slot);
		print_hex(&stats, sizeof(stats));
		fputc('\n', out);
	}
}

static void print_datapath(struct world *world, bool at_rest)
{
	struct datapath *dp;

	if (datapath_open(INSTANCE, &dp, &world->err)) {
		fprintf(out, "datapath: %s\n", world->err.text);
		return;
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		table_each(dp, tables[i].map, on_row,
			   &(struct printing){ i, tables[i].map });
	for (size_t i = 0; !at_rest && i < sizeof(traffic) / sizeof(*traffic);
	     i++) {
		enum map_id map = traffic[i];

		table_each(dp, map, on_traffic, &map);
	}
	print_policy(dp);
	print_config(dp);
	if (!at_rest)
		print_endpoint_stats(dp);
	datapath_close(dp);
}

/* -------------------------------------------------------------------- all */

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted(char *text)
{
	static char *lines[LINES_MAX];
	char *line, *save = NULL, *result = NULL;
	size_t count = 0, len;
	FILE *file = open_memstream(&result, &len);

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		assert_true(count < LINES_MAX);
		lines[count++] = line;
	}
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%s\n", lines[i]);
	fclose(file);
	free(text);
	return result;
}

static char *look_at(struct world *world, bool at_rest)
{
	char *text = NULL;
	size_t len;

	out = open_memstream(&text, &len);
	assert_non_null(out);
	print_spaces();
	print_hooks(world->instance.cgroup);
	nftw(RUN_DIR, on_file, 16, FTW_PHYS);
	nftw("/etc/netns", on_file, 16, FTW_PHYS);
	nftw(PIN_DIR, on_pin, 16, FTW_PHYS);
	nftw(PIN_DIR "~new", on_pin, 16, FTW_PHYS);
	nftw(PIN_DIR "~old", on_pin, 16, FTW_PHYS);
	print_datapath(world, at_rest);
	fclose(out);
	return sorted(text);
}

char *look(struct world *world)
{
	return look_at(world, false);
}

char *look_at_rest(struct world *world)
{
	return look_at(world, true);
}

/* Both are sorted. */
bool look_same(const char *before, const char *after)
{
	bool same = true;

	while (*before || *after) {
		size_t a = strcspn(before, "\n"), b = strcspn(after, "\n");
		int order =
			!*before ? 1 :
			!*after	 ? -1 :
				   strncmp(before, after, (a < b ? a : b) + 1);

		if (order) {
			same = false;
			fprintf(stderr, "%c %.*s\n", order < 0 ? '-' : '+',
				(int)(order < 0 ? a : b),
				order < 0 ? before : after);
		}
		if (order <= 0)
			before += a + 1;
		if (order >= 0)
			after += b + 1;
	}
	return same;
}
