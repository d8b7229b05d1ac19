/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fault_world - two models with something of everything, and the way there */
#include "fault_world.h"

#include <arpa/inet.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"

/* Large tables take their time to come and go. */
#define FLOWS 1024

unsigned int worker;

/* ---------------------------------------------------------------- workers */

struct helper {
	pid_t pid;
	FILE *output;
};

static int helper_run(const struct helper *helper, const char *name,
		      const struct CMUnitTest *tests, size_t count)
{
	int fd = fileno(helper->output);

	if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		return 1;
	return world_main(name, tests, count);
}

static bool helper_start(struct helper *helper, const char *name,
			 const struct CMUnitTest *tests, size_t count)
{
	helper->output = tmpfile();
	if (!helper->output)
		return false;
	helper->pid = fork();
	if (!helper->pid) {
		int failed = helper_run(helper, name, tests, count);

		fflush(NULL);
		_exit(failed != 0);
	}
	return helper->pid > 0;
}

/* Whether it succeeded. */
static bool helper_end(const struct helper *helper)
{
	char buf[4096];
	size_t got;
	int status;

	if (waitpid(helper->pid, &status, 0) != helper->pid)
		return false;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	rewind(helper->output);
	while ((got = fread(buf, 1, sizeof(buf), helper->output)) > 0)
		fwrite(buf, 1, got, stdout);
	printf("a worker ended with status %#x\n", status);
	return false;
}

enum fault_of faults_wanted(void)
{
	const char *faults = getenv("FAULTS");

	if (faults && !strcmp(faults, "sample"))
		return FAULT_OF_SAMPLES;
	if (faults && !strcmp(faults, "all"))
		return FAULT_OF_ALL;
	return FAULT_OF_CHANGES;
}

const char *faults_text(void)
{
	return faults_wanted() == FAULT_OF_SAMPLES ? ", a sample of them," : "";
}

int workers_main(const char *name, const struct CMUnitTest *tests, size_t count)
{
	struct helper helpers[WORKERS - 1];
	size_t started = 0;
	int failed = 0;

	/* 0 is this process itself. */
	for (worker = 1; worker < WORKERS; worker++)
		if (helper_start(&helpers[started], name, tests, count))
			started++;
		else
			failed++;
	worker = 0;
	failed += world_main(name, tests, count);
	for (size_t i = 0; i < started; i++)
		failed += !helper_end(&helpers[i]);
	return failed;
}

/* ----------------------------------------------------------------- models */

static struct cidr cidr_of_text(const char *text)
{
	struct cidr cidr;

	assert_int_equal(cidr_parse(text, &cidr), 0);
	return cidr;
}

static void want_dns(struct world *world, const char *name, const char *dns)
{
	struct netns netns = { .ndns = 1 };

	snprintf(netns.name, sizeof(netns.name), "%s", name);
	netns.dns[0] = ip_of_text(dns);
	assert_non_null(model_add_netns(&world->model, &netns));
}

static void want_uplink(struct world *world, const char *ifname,
			const char *snat)
{
	struct uplink uplink = { .nsnat = snat != NULL };

	snprintf(uplink.ifname, sizeof(uplink.ifname), "%s", ifname);
	if (snat)
		uplink.snat[0] = ip_of_text(snat);
	assert_non_null(model_add_uplink(&world->model, &uplink));
}

static struct network *last_network(struct world *world)
{
	return &world->model.networks[world->model.nnetworks - 1];
}

static void want_nothing(struct world *world)
{
	model_free(&world->model);
	model_init(&world->model);
	world->model.settings.flows_max = FLOWS;
}

void want_first(struct world *world)
{
	want_nothing(world);
	want_web(world);
	world->model.publishes[0].from[0] = cidr_of_text("198.51.100.0/24");
	world->model.publishes[0].nfrom = 1;
	want_network(world, "inner", "192.168.60.0/24");
	last_network(world)->internal = true;
	want_cable(world, "link", "10.1.0.0/29");
	want_endpoint(world, "l1", "link", "10.1.0.2", NULL);
	want_dns(world, "plain", "192.0.2.53");
}

void want_before(struct world *world)
{
	want_nothing(world);
	want_network(world, "front", "192.168.10.0/24");
	want_network(world, "back", "192.168.20.0/24");
	want_cable(world, "link", "10.1.0.0/29");
	want_cable(world, "pair", "10.2.0.0/29");
	want_endpoint(world, "web", "front", "192.168.10.10", NULL);
	want_endpoint(world, "db", "back", "192.168.20.7", NULL);
	want_endpoint(world, "gone", "back", "192.168.20.5", NULL);
	want_endpoint(world, "l1", "link", "10.1.0.2", NULL);
	want_endpoint(world, "p1", "pair", "10.2.0.2", NULL);
	want_endpoint(world, "p2", "pair", "10.2.0.3", NULL);
	want_dns(world, "plain", "192.0.2.53");
	want_dns(world, "extra", "192.0.2.53");
	want_port(world, "8080-8082", "web", 80);
	want_port(world, "9001", "gone", 90);
	want_port(world, "203.0.113.2:5353/udp", "db", 53);
	want_rule(world, "in", "world", "web");
	want_rule(world, "cidr", "198.51.100.0/24", "net:front");
	want_rule(world, "old", "web", "gone");
}

static void want_networks_after(struct world *world)
{
	struct network *network;

	want_network(world, "front", "192.168.10.0/24");
	last_network(world)->mtu = 1400;
	last_network(world)->internal = true;
	want_network(world, "back", "192.168.21.0/24");
	network = last_network(world);
	network->subnets[1] = cidr_of_text("fd00:21::/64");
	network->nsubnets = 2;
	network->snat[0] = ip_of_text("203.0.113.2");
	network->nsnat = 1;
	network->no_masq[0] = cidr_of_text("172.16.0.0/12");
	network->nno_masq = 1;
	want_cable(world, "link", "10.1.0.0/29");
	want_cable(world, "pair", "10.2.0.0/29");
	want_network(world, "routed", "192.168.40.0/24");
	last_network(world)->routed = true;
}

void want_after(struct world *world)
{
	want_nothing(world);
	world->model.settings.inter_allow = true;
	world->model.settings.udp = 99;
	want_uplink(world, "up0", "203.0.113.2");
	want_uplink(world, "up1", NULL);
	want_networks_after(world);
	want_endpoint(world, "web", "front", "192.168.10.10", NULL);
	want_endpoint(world, "db", "back", "192.168.21.7", NULL);
	want_endpoint(world, "r1", "routed", "192.168.40.2", "given");
	want_endpoint(world, "l1", "link", "10.1.0.2", NULL);
	want_endpoint(world, "l2", "link", "10.1.0.3", NULL);
	want_endpoint(world, "p1", "pair", "10.2.0.2", NULL);
	want_dns(world, "plain", "192.0.2.54");
	want_dns(world, "fresh", "192.0.2.53");
	want_port(world, "8080-8082", "web", 80);
	world->model.publishes[0].from[0] = cidr_of_text("198.51.100.0/24");
	world->model.publishes[0].nfrom = 1;
	want_port(world, "9002", "web", 90);
	want_port(world, "203.0.113.2:5353/udp", "db", 53);
	want_rule(world, "new", "10.0.0.0/8", "net:routed");
	want_rule(world, "cidr", "198.51.100.0/24", "net:front");
	want_rule(world, "in", "world", "web");
}

int apply_model(void *arg, struct err *err)
{
	struct world *world = arg;
	struct control *control;
	struct model desired;
	int rc = control_open(&world->instance, CONTROL_WRITE, &control, err);

	if (rc)
		return rc;
	if (model_copy(&world->model, &desired)) {
		rc = err_set(err, -ENOMEM, "out of memory");
	} else {
		rc = control_reconcile(control, &desired, false, NULL, NULL,
				       err);
		model_free(&desired);
	}
	control_close(control);
	return rc;
}

/* ---------------------------------------------------------------- traffic */

static void set(struct datapath *dp, enum map_id map, const void *key,
		const void *value)
{
	assert_int_equal(table_set(dp, map, key, value, NULL), 0);
}

/* Half a flow is enough to be seen. It is from the future: it must not get too
 * old while a test goes on. */
static void plant_flow(struct datapath *dp, const struct endpoint *e)
{
	const struct flow_key key = { .src = ip_of_text("198.51.100.9"),
				      .dst = e->ips[0],
				      .sport = htons(1000 + e->slot),
				      .dport = htons(80),
				      .proto = IPPROTO_TCP };
	const struct flow flow = { .action = FLOW_PEER,
				   .out_slot = e->slot,
				   .packets = 7,
				   .last_seen = datapath_now() + (1 << 28) };
	__u32 slots[2] = { 0, e->slot };
	__u64 count;

	set(dp, MAP_FLOWS, &key, &flow);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(table_get(dp, MAP_EP_FLOWS, &slots[i], &count),
				 0);
		count++;
		set(dp, MAP_EP_FLOWS, &slots[i], &count);
	}
}

static void plant_stats(struct datapath *dp, __u32 slot)
{
	struct endpoint_stats stats[64] = { { .rx_packets = 11 } };

	set(dp, MAP_EP_STATS, &slot, stats);
}

void plant_traffic(struct world *world)
{
	const struct hits hits = { .packets = 3, .bytes = 300, .flows = 1 };
	struct control *control = control_of(world, CONTROL_READ);
	struct datapath *dp = control_datapath(control);
	const struct model *m = control_model(control);

	for (size_t i = 0; i < m->nendpoints; i++) {
		plant_flow(dp, &m->endpoints[i]);
		plant_stats(dp, m->endpoints[i].slot);
	}
	for (size_t i = 0; i < m->npublishes; i++)
		set(dp, MAP_PUB_HITS, &m->publishes[i].id, &hits);
	for (size_t i = 0; i < m->nrules; i++)
		set(dp, MAP_RULE_HITS, &m->rules[i].id, &hits);
	control_close(control);
}

/* ------------------------------------------------------------------- tests */

int fault_setup(void **state)
{
	int rc = world_setup(state);

	must("ip netns add given");
	must("ip link add up1 type bridge && ip link set up1 up && "
	     "ip address add 203.0.114.2/24 dev up1");
	return rc;
}

int fault_teardown(void **state)
{
	must("ip netns del given && ip link del up1");
	return world_teardown(state);
}
