/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* gen - the command line of the traffic generator */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "cost.h"
#include "lib/cleanup.h"
#include "traffic.h"
#include "bench/gen.skel.h"

/*
 * Source ports of the flows with one pair of addresses. Few enough for any
 * range that a masquerade may draw from, so that it never has to search for a
 * free port: this is no measurement of port exhaustion.
 */
#define SPORT_FIRST 1024
#define SPORT_COUNT 10000
#define FLOWS_MAX 1000000

/* Thirty times round 32,000 flows, and still a fraction of a second. */
#define COST_PACKETS 1000000

static const char usage[] =
	"usage: gen run DEV to-mac MAC from IP to IP port N [KEY VALUE]...\n"
	"           flows N        distinct flows, 1..1000000 (1)\n"
	"           from-mac MAC   the device's own\n"
	"           vary from|to   the address counted up every 10000 flows (from)\n"
	"           seconds S      how long to measure (1)\n"
	"           warmup S       unmeasured traffic before (0.2)\n"
	"           count N        stop after so many packets\n"
	"           cpu N          pinned to this CPU (0)\n"
	"           sink NETNS,DEV where the packets arrive; without it, none is counted\n"
	"           sink-port N    their destination port there (port)\n"
	"           expect-from IP, expect-to IP  their addresses there (any)\n"
	"           prime 0|1      first have every flow answered by the sink (0)\n"
	"       gen sink DEV port N [seconds S]\n"
	"       gen cost DEV to-mac MAC from IP to IP port N program PIN [KEY VALUE]...\n"
	"           nanoseconds for each packet of a pinned tc program that redirects\n"
	"           (flows, vary, count, cpu, sink-port, expect-from, expect-to as above)\n"
	"       gen floor DEV port N out IFINDEX peer 0|1 to-mac MAC from-mac MAC\n"
	"Every run ends by itself and prints one line of JSON.\n";

struct options {
	const char *device;
	const char *sink;
	const char *vary;
	const char *program;
	struct in_addr from;
	struct in_addr to;
	struct in_addr expect_from;
	struct in_addr expect_to;
	struct ether_addr to_mac;
	struct ether_addr from_mac;
	double seconds;
	double warmup;
	uint64_t count;
	uint64_t flows;
	uint64_t port;
	uint64_t sink_port;
	uint64_t cpu;
	uint64_t out;
	uint64_t peer;
	uint64_t prime;
};

enum kind { TEXT, NUMBER, SECONDS, ADDRESS, MAC };

static const struct option {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t max;
} known[] = {
#define OPTION(name, kind, field, max)                           \
	{                                                        \
		name, kind, offsetof(struct options, field), max \
	}
	OPTION("sink", TEXT, sink, 0),
	OPTION("vary", TEXT, vary, 0),
	OPTION("program", TEXT, program, 0),
	OPTION("from", ADDRESS, from, 0),
	OPTION("to", ADDRESS, to, 0),
	OPTION("expect-from", ADDRESS, expect_from, 0),
	OPTION("expect-to", ADDRESS, expect_to, 0),
	OPTION("to-mac", MAC, to_mac, 0),
	OPTION("from-mac", MAC, from_mac, 0),
	OPTION("seconds", SECONDS, seconds, RUN_SECONDS_MAX),
	OPTION("warmup", SECONDS, warmup, RUN_SECONDS_MAX),
	OPTION("count", NUMBER, count, INT32_MAX),
	OPTION("flows", NUMBER, flows, FLOWS_MAX),
	OPTION("port", NUMBER, port, UINT16_MAX),
	OPTION("sink-port", NUMBER, sink_port, UINT16_MAX),
	OPTION("cpu", NUMBER, cpu, 1023),
	OPTION("out", NUMBER, out, INT32_MAX),
	OPTION("peer", NUMBER, peer, 1),
	OPTION("prime", NUMBER, prime, 1),
#undef OPTION
};

static bool option_set(const struct option *opt, const char *text, void *field)
{
	char *end;

	switch (opt->kind) {
	case TEXT:
		*(const char **)field = text;
		return true;
	case NUMBER:
		errno = 0;
		*(uint64_t *)field = strtoull(text, &end, 10);
		return !errno && end != text && !*end && text[0] != '-' &&
		       *(uint64_t *)field <= opt->max;
	case SECONDS:
		*(double *)field = strtod(text, &end);
		return end != text && !*end && *(double *)field >= 0 &&
		       *(double *)field <= (double)opt->max;
	case ADDRESS:
		return inet_pton(AF_INET, text, field) == 1;
	case MAC:
		return ether_aton_r(text, field) != NULL;
	}
	return false;
}

/* KEY VALUE pairs after the command and the device. */
static bool options_parse(int argc, char **argv, struct options *opts)
{
	if (argc < 3 || argc % 2 == 0)
		return false;
	opts->device = argv[2];
	for (int i = 3; i < argc; i += 2) {
		const struct option *opt = known;
		const struct option *end =
			known + sizeof(known) / sizeof(*known);

		while (opt < end && strcmp(opt->name, argv[i]))
			opt++;
		if (opt == end ||
		    !option_set(opt, argv[i + 1], (char *)opts + opt->offset)) {
			fprintf(stderr, "gen: %s %s: not understood\n", argv[i],
				argv[i + 1]);
			return false;
		}
	}
	return opts->port && opts->flows;
}

static int device_mac(const char *device, uint16_t ret_mac[3])
{
	_cleanup_close_ int sock =
		socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = {};

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", device);
	if (sock < 0 || ioctl(sock, SIOCGIFHWADDR, &req)) {
		fprintf(stderr, "gen: %s: %s\n", device, strerror(errno));
		return -errno;
	}
	memcpy(ret_mac, req.ifr_hwaddr.sa_data, ETH_ALEN);
	return 0;
}

/* The rodata from which bn_gen writes its headers and bn_gen_near reads. */
static int flows_fill(const struct options *opts, struct gen_flows *flows)
{
	static const struct ether_addr none;
	int code = device_mac(opts->device, flows->smac);

	if (code)
		return code;
	if (memcmp(&opts->from_mac, &none, ETH_ALEN))
		memcpy(flows->smac, &opts->from_mac, ETH_ALEN);
	memcpy(flows->dmac, &opts->to_mac, ETH_ALEN);
	flows->count = (uint32_t)opts->flows;
	flows->ports = SPORT_COUNT;
	flows->sport = SPORT_FIRST;
	flows->dport = (uint16_t)opts->port;
	flows->saddr = ntohl(opts->from.s_addr);
	flows->daddr = ntohl(opts->to.s_addr);
	flows->vary_daddr = opts->vary && !strcmp(opts->vary, "to");
	flows->ifindex = if_nametoindex(opts->device);

	/* Version, length, time to live and protocol; then the pseudo header,
	 * the length once more and the port. */
	flows->ip_sum = 0x4500 + GEN_IP_LEN + (64 << 8) + IPPROTO_UDP;
	flows->udp_sum = IPPROTO_UDP + GEN_UDP_LEN + GEN_UDP_LEN + flows->dport;
	return 0;
}

static struct gen_bpf *skel_open(const struct options *opts)
{
	struct gen_bpf *skel = gen_bpf__open();

	if (!skel) {
		fprintf(stderr, "gen: open: %s\n", strerror(errno));
		return NULL;
	}
	skel->rodata->cfg_expect = (struct gen_expect){
		.saddr = opts->expect_from.s_addr,
		.daddr = opts->expect_to.s_addr,
		.dport = (uint16_t)(opts->sink_port ?: opts->port),
	};
	return skel;
}

static int skel_load(struct gen_bpf *skel)
{
	int code = gen_bpf__load(skel);

	if (code)
		fprintf(stderr, "gen: load: %s\n", strerror(-code));
	return code;
}

/* sink NETNS,DEV: both ends are watched, since answers come back to ours. */
static int taps_attach(struct gen_bpf *skel, const struct options *opts,
		       struct tap *near, struct tap *far)
{
	_cleanup_free_ char *netns = opts->sink ? strdup(opts->sink) : NULL;
	char *comma = netns ? strrchr(netns, ',') : NULL;
	int code;

	if (!opts->sink)
		return 0;
	if (!comma) {
		fprintf(stderr, "gen: sink %s: want NETNS,DEV\n", opts->sink);
		return -EINVAL;
	}
	*comma = '\0';
	code = tap_attach(NULL, opts->device,
			  bpf_program__fd(skel->progs.bn_gen_near), near);
	if (code)
		return code;
	return tap_attach(netns, comma + 1,
			  bpf_program__fd(skel->progs.bn_gen_sink), far);
}

static void run_print(const struct run *run, uint64_t replies)
{
	double seconds = run->seconds > 0 ? run->seconds : 1;

	printf("{\"sent\":%" PRIu64 ",\"received\":%" PRIu64
	       ",\"wrong\":%" PRIu64 ",\"replies\":%" PRIu64
	       ",\"seconds\":%.4f,\"sent_pps\":%.0f,\"received_pps\":%.0f"
	       ",\"on_cpu\":%.3f,\"others_idle\":%.3f}\n",
	       run->sent, run->counts[GEN_RECEIVED], run->counts[GEN_WRONG],
	       replies, run->seconds, (double)run->sent / seconds,
	       (double)run->counts[GEN_RECEIVED] / seconds, run->on_cpu,
	       run->others_idle);
}

static int run_measure(struct gen_bpf *skel, const struct options *opts)
{
	uint64_t primed[GEN_COUNTERS];
	struct run run;
	int code = 0;

	if (opts->prime)
		code = traffic_prime(skel, (int)opts->flows);
	if (!code)
		code = counts_read(skel, primed);
	if (!code && opts->warmup > 0)
		code = traffic_run(skel, opts->warmup, INT32_MAX, &run);
	if (!code)
		code = traffic_run(skel, opts->seconds, (int)opts->count, &run);
	if (!code)
		run_print(&run, primed[GEN_REPLIES]);
	return code;
}

static int cmd_run(const struct options *opts)
{
	struct tap near = { .netns = -1 }, far = { .netns = -1 };
	struct gen_bpf *skel;
	int code;

	if (cpu_take((int)opts->cpu))
		return EXIT_FAILURE;
	skel = skel_open(opts);
	if (!skel)
		return EXIT_FAILURE;

	code = flows_fill(opts, &skel->rodata->cfg_flows);
	if (!code)
		code = skel_load(skel);
	if (!code)
		code = taps_attach(skel, opts, &near, &far);
	if (!code)
		code = run_measure(skel, opts);
	tap_detach(&far);
	tap_detach(&near);
	gen_bpf__destroy(skel);
	return code ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int cmd_cost(const struct options *opts)
{
	int count =
		opts->count < COST_PACKETS ? (int)opts->count : COST_PACKETS;
	struct gen_bpf *skel;
	int code;

	if (!opts->program || cpu_take((int)opts->cpu))
		return EXIT_FAILURE;
	skel = skel_open(opts);
	if (!skel)
		return EXIT_FAILURE;
	code = flows_fill(opts, &skel->rodata->cfg_flows);
	if (!code)
		code = skel_load(skel);
	if (!code)
		code = cost_run(skel, opts->program,
				(int)if_nametoindex(opts->device), count);
	gen_bpf__destroy(skel);
	return code ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Sleeps for the given time, or until it is told to end. */
static void wait_bounded(double seconds)
{
	struct timespec left = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9),
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigtimedwait(&set, NULL, &left);
}

static int cmd_sink(const struct options *opts)
{
	struct gen_bpf *skel = skel_open(opts);
	uint64_t counts[GEN_COUNTERS];
	struct tap tap = { .netns = -1 };
	int code;

	if (!skel)
		return EXIT_FAILURE;
	code = skel_load(skel);
	if (!code)
		code = tap_attach(NULL, opts->device,
				  bpf_program__fd(skel->progs.bn_gen_sink),
				  &tap);
	if (!code) {
		wait_bounded(opts->seconds);
		code = counts_read(skel, counts);
	}
	if (!code)
		printf("{\"received\":%" PRIu64 ",\"wrong\":%" PRIu64 "}\n",
		       counts[GEN_RECEIVED], counts[GEN_WRONG]);
	tap_detach(&tap);
	gen_bpf__destroy(skel);
	return code ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Stays attached when the process ends, and goes with the device. */
static int cmd_floor(const struct options *opts)
{
	struct gen_bpf *skel = skel_open(opts);
	struct tap tap = { .netns = -1 };
	int code;

	if (!skel)
		return EXIT_FAILURE;
	skel->rodata->cfg_floor = (struct gen_floor){
		.ifindex = (uint32_t)opts->out,
		.dport = (uint16_t)opts->port,
		.to_peer = (uint8_t)opts->peer,
	};
	memcpy(skel->rodata->cfg_floor.dmac, &opts->to_mac, ETH_ALEN);
	memcpy(skel->rodata->cfg_floor.smac, &opts->from_mac, ETH_ALEN);
	code = skel_load(skel);
	if (!code)
		code = tap_attach(NULL, opts->device,
				  bpf_program__fd(skel->progs.bn_gen_floor),
				  &tap);
	gen_bpf__destroy(skel);
	return code ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options opts = {
		.seconds = 1, .warmup = 0.2, .flows = 1, .count = INT32_MAX
	};

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (!options_parse(argc, argv, &opts)) {
		fputs(usage, stderr);
		return 2;
	}
	if (!strcmp(argv[1], "run"))
		return cmd_run(&opts);
	if (!strcmp(argv[1], "sink"))
		return cmd_sink(&opts);
	if (!strcmp(argv[1], "cost"))
		return cmd_cost(&opts);
	if (!strcmp(argv[1], "floor"))
		return cmd_floor(&opts);
	fputs(usage, stderr);
	return 2;
}
