/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cost - what one tc program costs for each packet, without any forwarding */
#ifndef BENCH_COST_H
#define BENCH_COST_H

struct gen_bpf;

/*
 * Runs the program pinned at @pin and an empty one in turn, each @rounds times
 * over @packets packets of the walk over the flows, as if they had come in at
 * @ifindex, and prints the medians as one line of JSON. The last packet must
 * have been redirected and must look as cfg_expect says. Returns 0 or a
 * negative errno after having said what failed.
 */
int cost_run(struct gen_bpf *skel, const char *pin, int ifindex, int packets);

#endif
