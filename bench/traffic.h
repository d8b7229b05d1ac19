/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* traffic - makes packets at a device, and counts them where they arrive */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "gen.h"

struct gen_bpf;

/* No run lasts longer, whatever is asked for. */
#define RUN_SECONDS_MAX 600

/* A clsact attachment, in the network namespace where it was made. */
struct tap {
	int netns; /* -1: the process's own */
	int ifindex; /* 0: not attached */
};

struct run {
	uint64_t sent;
	uint64_t counts[GEN_COUNTERS];
	double seconds;
	double on_cpu; /* share of the received packets counted on our CPU */
	double others_idle; /* of the other CPUs, 0..1 */
};

/* All return 0 or a negative errno after having said what failed. */

/*
 * Whatever the process does from here on, softirqs included, is on one CPU,
 * and it goes before what else wants to run there.
 */
int cpu_take(int cpu);

/*
 * Attaches at tc ingress of @device in the namespace @netns (a path, NULL: our
 * own). The attachment replaces one that a killed run may have left.
 */
int tap_attach(const char *netns, const char *device, int prog_fd,
	       struct tap *ret_tap);
void tap_detach(struct tap *tap);

/*
 * Sends for @seconds or until @packets are sent, and counts what arrives
 * meanwhile. It goes on in the walk over the flows where the last run ended.
 */
int traffic_run(struct gen_bpf *skel, double seconds, int packets,
		struct run *ret_run);

/*
 * Lets every flow be answered once or more, so that the path considers it
 * established. It is no error that no answer comes: see the count of replies.
 */
int traffic_prime(struct gen_bpf *skel, int flows);

int counts_read(struct gen_bpf *skel, uint64_t ret_counts[GEN_COUNTERS]);

#endif
