/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* control_world - a host of its own for tests of the way to change it */
#include "control_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mntent.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "control/journal.h"
#include "control/rules.h"
#include "datapath/internal.h"
#include "lib/cleanup.h"
#include "lib/log.h"

#define EXIT_SKIPPED 77
#define AWAIT_TRIES 500
#define BATCH 8192 /* elements per system call */
#define TOKEN_MAX 64 /* where a batch ended */

static char cgroup[512];

/* ------------------------------------------------------------- commands */

char *output_of(const char *command)
{
	_cleanup_fclose_ FILE *out = NULL;
	FILE *pipe = popen(command, "re");
	char *text = NULL, buf[4096];
	size_t len = 0, got;

	assert_non_null(pipe);
	out = open_memstream(&text, &len);
	assert_non_null(out);
	while ((got = fread(buf, 1, sizeof(buf), pipe)) > 0)
		fwrite(buf, 1, got, out);
	pclose(pipe);
	fclose(take_ptr(out));
	return text;
}

bool succeeds(const char *command)
{
	return system(command) == 0;
}

void must(const char *command)
{
	if (!succeeds(command))
		fail_msg("failed: %s", command);
}

void await(const char *command)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int tries = AWAIT_TRIES; tries > 0; tries--) {
		if (succeeds(command))
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("in vain: %s", command);
}

void file_put(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

struct ipaddr ip_of_text(const char *text)
{
	struct ipaddr ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

/* --------------------------------------------------------------- wishes */

void want_network(struct world *world, const char *name, const char *subnet)
{
	struct network network = { .icc = true, .masquerade = true };

	snprintf(network.name, sizeof(network.name), "%s", name);
	if (subnet) {
		assert_int_equal(cidr_parse(subnet, &network.subnets[0]), 0);
		network.nsubnets = 1;
	}
	assert_non_null(model_add_network(&world->model, &network));
}

void want_cable(struct world *world, const char *name, const char *subnet)
{
	want_network(world, name, subnet);
	model_find_network(&world->model, name)->type = NETWORK_P2P;
}

void want_endpoint(struct world *world, const char *name, const char *network,
		   const char *ip, const char *netns)
{
	struct endpoint endpoint = { .default_route = true, .nips = 1 };

	snprintf(endpoint.name, sizeof(endpoint.name), "%s", name);
	snprintf(endpoint.network, sizeof(endpoint.network), "%s", network);
	if (netns)
		snprintf(endpoint.netns, sizeof(endpoint.netns), "%s", netns);
	endpoint.ips[0] = ip_of_text(ip);
	assert_non_null(model_add_endpoint(&world->model, &endpoint));
}

void want_port(struct world *world, const char *listen, const char *endpoint,
	       __u16 target)
{
	struct publish publish = { 0 };

	assert_int_equal(publish_parse_listen(listen, &publish, NULL), 0);
	snprintf(publish.endpoint, sizeof(publish.endpoint), "%s", endpoint);
	publish.target_port = target;
	assert_non_null(model_add_publish(&world->model, &publish));
}

void want_rule(struct world *world, const char *name, const char *from,
	       const char *to)
{
	struct policy_rule rule = { .action = RULE_ALLOW };

	snprintf(rule.name, sizeof(rule.name), "%s", name);
	assert_int_equal(policy_peer_parse(from, &rule.from, NULL), 0);
	assert_int_equal(policy_peer_parse(to, &rule.to, NULL), 0);
	assert_non_null(model_add_rule(&world->model, &rule, SIZE_MAX));
}

void want_web(struct world *world)
{
	want_network(world, "front", "192.168.10.0/24");
	want_endpoint(world, "web", "front", "192.168.10.10", NULL);
	want_port(world, "8080-8082", "web", 80);
	want_rule(world, "in", "world", "web");
}

struct control *control_of(struct world *world, enum control_mode mode)
{
	struct control *control = NULL;

	if (control_open(&world->instance, mode, &control, &world->err))
		fail_msg("%s", world->err.text);
	return control;
}

int apply(struct world *world, size_t *ret_steps)
{
	struct control *control = control_of(world, CONTROL_WRITE);
	struct model desired;
	int rc;

	assert_int_equal(model_copy(&world->model, &desired), 0);
	rc = control_reconcile(control, &desired, false, NULL, ret_steps,
			       &world->err);
	model_free(&desired);
	control_close(control);
	return rc;
}

void must_apply(struct world *world)
{
	if (apply(world, NULL))
		fail_msg("%s", world->err.text);
}

/* --------------------------------------------------------------- tables */

static bool is_zero(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Element by element, the larger arrays would take a system call each for tens
 * of thousands of zeros. */
void table_each(struct datapath *dp, enum map_id map,
		void (*visit)(const char *key, size_t key_size,
			      const char *value, size_t value_size, void *arg),
		void *arg)
{
	int fd = datapath_map(dp, map), rc;
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info), count;
	char token[TOKEN_MAX];
	_cleanup_free_ char *keys = NULL, *values = NULL;
	bool first = true;

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	keys = calloc(BATCH, info.key_size);
	values = calloc(BATCH, info.value_size);
	assert_true(keys && values && info.key_size <= sizeof(token));
	do {
		count = BATCH;
		rc = bpf_map_lookup_batch(fd, first ? NULL : token, token, keys,
					  values, &count, NULL);
		assert_true(!rc || rc == -ENOENT);
		first = false;
		for (__u32 i = 0; i < count; i++) {
			const char *value = values + i * info.value_size;

			if (info.type != BPF_MAP_TYPE_ARRAY ||
			    !is_zero(value, info.value_size))
				visit(keys + i * info.key_size, info.key_size,
				      value, info.value_size, arg);
		}
	} while (!rc);
}

static void count_one(const char *key, size_t key_size, const char *value,
		      size_t value_size, void *arg)
{
	(void)key;
	(void)key_size;
	(void)value;
	(void)value_size;
	(*(size_t *)arg)++;
}

size_t table_count(struct datapath *dp, enum map_id map)
{
	size_t count = 0;

	table_each(dp, map, count_one, &count);
	return count;
}

struct printing {
	FILE *out;
	enum map_id map;
};

static void print_one(const char *key, size_t key_size, const char *value,
		      size_t value_size, void *arg)
{
	const struct printing *printing = arg;

	fprintf(printing->out, "%s ", map_name[printing->map]);
	for (size_t i = 0; i < key_size; i++)
		fprintf(printing->out, "%02x", (__u8)key[i]);
	fputc(' ', printing->out);
	for (size_t i = 0; i < value_size; i++)
		fprintf(printing->out, "%02x", (__u8)value[i]);
	fputc('\n', printing->out);
}

static void print_tables(struct datapath *dp, FILE *out)
{
	static const enum map_id maps[] = { MAP_ENDPOINTS, MAP_ADDRS,
					    MAP_NETWORKS,  MAP_SUBNETS,
					    MAP_LOCALS,	   MAP_UPLINKS,
					    MAP_PUBLISH,   MAP_PUB_FROM,
					    MAP_PUB_HITS,  MAP_RULE_HITS };
	const struct datapath_config *config = datapath_config(dp);

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		table_each(dp, maps[i], print_one,
			   &(struct printing){ out, maps[i] });
	fprintf(out, "policy %llx\n", (unsigned long long)config->policy_hash);
	fprintf(out, "config %u %u %u-%u %u\n", config->intra, config->inter,
		config->snat_port_min, config->snat_port_max,
		config->tcp_established);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of a hash table says nothing. */
static char *sorted(char *text)
{
	char *lines[4096], *line, *save = NULL, *result = NULL;
	size_t count = 0, len;
	FILE *out = open_memstream(&result, &len);

	for (line = strtok_r(text, "\n", &save); line && count < 4096;
	     line = strtok_r(NULL, "\n", &save))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s\n", lines[i]);
	fclose(out);
	free(text);
	return result;
}

char *record(void)
{
	struct state state;
	struct err err;
	size_t len;
	char *text;

	if (state_read(INSTANCE, false, &state, &err))
		fail_msg("%s", err.text);
	assert_int_equal(journal_print(&state, &text, &len), 0);
	model_free(&state.model);
	model_free(&state.leftovers);
	return text;
}

bool is_recorded(const char *text)
{
	_cleanup_free_ char *all = record();

	return strstr(all, text);
}

static const void *object_of(const struct model *m, enum object_kind kind,
			     const char *name)
{
	switch (kind) {
	case OBJECT_NETNS:
		return model_find_netns(m, name);
	case OBJECT_NETWORK:
		return model_find_network(m, name);
	case OBJECT_ENDPOINT:
		return model_find_endpoint(m, name);
	default:
		return NULL;
	}
}

void interrupt(enum object_kind kind, const char *name)
{
	struct state state;
	const void *object;
	struct err err;

	if (state_read(INSTANCE, false, &state, &err))
		fail_msg("%s", err.text);
	object = object_of(&state.model, kind, name);
	assert_non_null(object);
	assert_int_equal(state_write(INSTANCE, kind, object, false, &err), 0);
	model_free(&state.model);
	model_free(&state.leftovers);
}

/* Carrier and duplicate address detection change by themselves. */
#define STEADY                                                    \
	"sed -E 's/<[^>]*[,<]UP[,>][^>]*>/up/; s/<[^>]*>/down/; " \
	"s/ qdisc [a-z_]+| linkdown//g; "                         \
	"s/ (state [A-Z]+|tentative|valid_lft).*//; /fe80:/d'"

char *snapshot(struct world *world)
{
	_cleanup_free_ char *recorded = record();
	_cleanup_free_ char *seen = output_of(
		"ls " RUN_DIR " 2>/dev/null;"
		"find " PIN_DIR " 2>/dev/null; "
		"{ ip -o link; ip -o addr; ip route; } | " STEADY "; "
		"for ns in $(ls /run/netns 2>/dev/null); do echo $ns; "
		"{ ip -n $ns -o link; ip -n $ns -o addr; ip -n $ns route; } | " STEADY
		"; done");
	struct control *control = control_of(world, CONTROL_READ);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fputs(recorded, out);
	fputs(seen, out);
	if (control_datapath(control))
		print_tables(control_datapath(control), out);
	fclose(out);
	control_close(control);
	return sorted(text);
}

/* ------------------------------------------- what tables should contain */

static bool is_direct(const struct network *n)
{
	return n->type == NETWORK_P2P && ip_is_zero(&n->gateways[0]);
}

/* By our filter in one direction. */
static bool is_filtered(__u32 ifindex, bool egress)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = FILTER_PRIORITY,
		    .handle = FILTER_HANDLE);

	return !bpf_tc_query(&hook, &opts) && opts.prog_id;
}

/* By a link, or by a filter: then the device has a mark. */
static bool is_hooked(const char *hook, int ifindex)
{
	char link[128], mark[128];

	snprintf(link, sizeof(link), PIN_DIR "/links/%s_%d", hook, ifindex);
	snprintf(mark, sizeof(mark), PIN_DIR "/links/clsact_%d", ifindex);
	return access(link, F_OK) == 0 || access(mark, F_OK) == 0;
}

static void assert_host_mac(const char *device, const __u8 mac[6])
{
	char command[128], text[MAC_TEXT_MAX];

	snprintf(command, sizeof(command),
		 "ip -o link show %s | grep -q 'ether %s '", device,
		 mac_print(mac, text));
	must(command);
}

static void assert_endpoint(struct datapath *dp, const struct model *model,
			    const struct endpoint *e)
{
	const struct network *n = model_find_network(model, e->network);
	__u32 ifindex = if_nametoindex(e->host_ifname);
	struct endpoint_val value, by_ip;

	assert_int_not_equal(ifindex, 0);
	assert_int_equal(table_get(dp, MAP_ENDPOINTS, &ifindex, &value), 0);
	assert_int_equal(value.ifindex, ifindex);
	assert_int_equal(value.slot, e->slot);
	assert_int_equal(value.network, n->id);
	assert_int_equal(value.bridge_ifindex,
			 n->type == NETWORK_P2P ? ifindex :
						  if_nametoindex(n->bridge));
	assert_memory_equal(value.mac, e->mac, 6);
	assert_memory_equal(value.gateway_mac, n->mac, 6);
	for (size_t i = 0; i < e->nips; i++) {
		assert_int_equal(table_get(dp, MAP_ADDRS, &e->ips[i], &by_ip),
				 0);
		assert_memory_equal(&by_ip, &value, sizeof(value));
	}
	if (n->type == NETWORK_P2P)
		assert_host_mac(e->host_ifname, n->mac);
	assert_true(is_filtered(ifindex, false));
	assert_true(is_filtered(ifindex, true));
}

static void assert_network(struct datapath *dp, const struct network *n)
{
	struct network_val value;
	__u32 id = 0;

	for (size_t s = 0; s < n->nsubnets; s++) {
		struct cidr subnet = cidr_subnet(&n->subnets[s]);
		struct subnet_key key = { cidr_bits(&subnet), subnet.addr };

		assert_int_equal(table_get(dp, MAP_SUBNETS, &key, &id), 0);
		assert_int_equal(id, n->id);
	}
	assert_int_equal(table_get(dp, MAP_NETWORKS, &id, &value), 0);
	assert_int_equal(value.bridge_ifindex, if_nametoindex(n->bridge));
	if (!is_direct(n))
		assert_true(ip_equal(&value.gateway4, &n->gateways[0]));
	assert_int_equal(value.flags & NETWORK_INTERNAL,
			 n->internal ? NETWORK_INTERNAL : 0);
}

/* Of endpoints with one IPv4 address. */
static void assert_publish(struct datapath *dp, const struct model *model,
			   const struct publish *p)
{
	const struct endpoint *e = model_find_endpoint(model, p->endpoint);

	for (unsigned int i = 0; i <= (unsigned int)p->port_last - p->port;
	     i++) {
		struct publish_key key = {
			.host = p->any_host ? ip_from_v4(0) : p->host_ip,
			.port = htons(p->port + i),
			.proto = p->proto,
		};
		struct publish_val value;

		assert_int_equal(table_get(dp, MAP_PUBLISH, &key, &value), 0);
		assert_true(ip_equal(&value.backend, &e->ips[0]));
		assert_int_equal(value.backend_port, htons(p->target_port + i));
		assert_int_equal(value.slot, e->slot);
		assert_int_equal(value.id, p->id);
	}
}

static void assert_uplinks(struct datapath *dp, const struct model *model)
{
	assert_int_equal(table_count(dp, MAP_UPLINKS), model->nuplinks);
	for (__u32 i = 0; i < model->nuplinks; i++) {
		__u32 ifindex = if_nametoindex(model->uplinks[i].ifname);
		struct uplink_val value;

		assert_int_equal(table_get(dp, MAP_UPLINKS, &i, &value), 0);
		assert_int_equal(value.ifindex, ifindex);
		assert_true(is_hooked("from_uplink", ifindex));
		assert_true(is_hooked("to_uplink", ifindex));
	}
}

/* Nothing hangs on devices that are nobody's any more. What hangs on an
 * endpoint's goes with it. */
static void assert_no_more_hooks(const struct model *model)
{
	_cleanup_free_ char *links = output_of(
		"ls " PIN_DIR "/links | grep -Evc '^(cgroup|clsact)_'");
	_cleanup_free_ char *marks =
		output_of("ls " PIN_DIR "/links | grep -c ^clsact_");

	assert_int_equal(atoi(links) + 2 * atoi(marks), 2 * model->nuplinks);
}

static void assert_policy(struct datapath *dp, const struct model *model)
{
	_cleanup_free_ struct rule_val *rules =
		calloc(model->nrules + 1, sizeof(*rules));
	size_t count, awake = 0;
	struct policy_image image;
	__u32 zero = 0, lines;
	struct err err;

	assert_int_equal(rules_of(model, rules, &count), 0);
	for (size_t i = 0; i < model->nrules; i++)
		awake += !model->rules[i].dormant;
	assert_int_equal(count, awake);
	assert_int_equal(table_get(dp, MAP_POLICY, &zero, &lines),
			 count ? 0 : -ENOENT);
	assert_int_equal(policy_compile(rules, count, &image, &err), 0);
	assert_true(image.hash == datapath_config(dp)->policy_hash);
	policy_image_free(&image);
}

/* A cable from one endpoint to another is none of the datapath's business. */
static size_t count_hooked(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->nendpoints; i++)
		count += model->endpoints[i].host_ifname[0] != '\0';
	return count;
}

void assert_tables_match(struct world *world)
{
	struct control *control = control_of(world, CONTROL_READ);
	struct datapath *dp = control_datapath(control);
	const struct model *model = control_model(control);
	size_t networks = 0, subnets = 0, ips = 0, ports = 0;

	assert_non_null(dp);
	for (size_t i = 0; i < model->nnetworks; i++) {
		assert_network(dp, &model->networks[i]);
		subnets += model->networks[i].nsubnets;
		networks += !is_direct(&model->networks[i]);
	}
	for (size_t i = 0; i < model->nendpoints; i++) {
		if (!model->endpoints[i].host_ifname[0])
			continue;
		assert_endpoint(dp, model, &model->endpoints[i]);
		ips += model->endpoints[i].nips;
	}
	for (size_t i = 0; i < model->npublishes; i++) {
		assert_publish(dp, model, &model->publishes[i]);
		ports += model->publishes[i].port_last -
			 model->publishes[i].port + 1;
	}
	assert_uplinks(dp, model);
	assert_no_more_hooks(model);
	assert_int_equal(table_count(dp, MAP_NETWORKS), networks);
	assert_int_equal(table_count(dp, MAP_SUBNETS), subnets);
	assert_int_equal(table_count(dp, MAP_ENDPOINTS), count_hooked(model));
	assert_int_equal(table_count(dp, MAP_ADDRS), ips);
	assert_int_equal(table_count(dp, MAP_PUBLISH), ports);
	assert_policy(dp, model);
	control_close(control);
}

/* ------------------------------------------------------------- the world */

int purge(struct world *world)
{
	struct control *control;
	int rc = control_open(&world->instance, CONTROL_PURGE, &control,
			      &world->err);

	if (rc)
		return rc;
	rc = control_purge(control, &world->err);
	control_close(control);
	return rc;
}

int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	*state = world;
	model_init(&world->model);
	world->instance =
		(struct instance){ .name = INSTANCE, .cgroup = cgroup };
	return !succeeds("ip link add up0 type bridge && ip link set up0 up && "
			 "ip addr add 203.0.113.2/24 dev up0 && "
			 "ip route add default via 203.0.113.1");
}

/* What is left over by a bpfnet that failed would fail the next tests, too. */
static void world_sweep(void)
{
	must("for l in $(ip -br link | grep -v '^lo' | cut -d' ' -f1); do "
	     "ip link del ${l%@*} 2>/dev/null; done; "
	     "for n in $(ls /run/netns 2>/dev/null); do ip netns del $n; done; "
	     "rm -rf " RUN_DIR);
}

int world_teardown(void **state)
{
	struct world *world = *state;
	int rc = purge(world);

	if (rc)
		print_error("purge: %s\n", world->err.text);
	if (access(RUN_DIR, F_OK) == 0 || access(PIN_DIR, F_OK) == 0) {
		print_error("purge left files or pins behind\n");
		rc = -1;
	}
	if (succeeds("ip -o link | grep -q ' bn'")) {
		print_error("purge left devices behind\n");
		rc = -1;
	}
	world_sweep();
	model_free(&world->model);
	free(world);
	return rc;
}

static bool cgroup_make(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	bool made = false;

	while (mounts && !made && (mount = getmntent(mounts)))
		if (!strcmp(mount->mnt_type, "cgroup2")) {
			snprintf(cgroup, sizeof(cgroup), "%s/bnctl-%d",
				 mount->mnt_dir, getpid());
			/* A test that was killed may have had our number. */
			made = !mkdir(cgroup, 0755) || errno == EEXIST;
		}
	if (mounts)
		endmntent(mounts);
	return made;
}

static bool world_make(void)
{
	return !unshare(CLONE_NEWNET | CLONE_NEWNS) &&
	       !mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tmpfs", "/run", "tmpfs", 0, NULL) &&
	       (!mkdir("/etc/netns", 0755) || errno == EEXIST) &&
	       !mount("tmpfs", "/etc/netns", "tmpfs", 0, NULL) &&
	       !mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) &&
	       succeeds("ip link set lo up");
}

int world_main(const char *name, const struct CMUnitTest *tests, size_t count)
{
	int failed;

	if (geteuid() || !world_make()) {
		fprintf(stderr, "needs root and namespaces\n");
		return EXIT_SKIPPED;
	}
	if (!cgroup_make()) {
		fprintf(stderr, "needs cgroup2\n");
		return EXIT_SKIPPED;
	}
	/* Most tests are about trouble, which is logged. */
	log_set_level(LOG_LEVEL_ERR);
	failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
	rmdir(cgroup);
	return failed;
}
