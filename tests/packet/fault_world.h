/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fault_world - two models with something of everything, and the way there */
#ifndef BPFNET_TEST_FAULT_WORLD_H
#define BPFNET_TEST_FAULT_WORLD_H

#include "control_world.h"
#include "fault.h"

/*
 * Each operation of an apply has its turn, hundreds of them, and most of the
 * time the kernel waits for itself. So two processes, each with a world of its
 * own, share the operations between them; more would wait for each other.
 */
#define WORKERS 2

/* Every change, unless FAULTS is "sample" or "all". */
enum fault_of faults_wanted(void);
/* "", or that it is a sample. */
const char *faults_text(void);

/* Which of them this is. */
extern unsigned int worker;

/* A test with two things that the models need: a namespace and an uplink. */
#define FAULT_TEST(name) \
	cmocka_unit_test_setup_teardown(name, fault_setup, fault_teardown)

int fault_setup(void **state);
int fault_teardown(void **state);
/* As world_main, in all of them. What the others have to say is shown when one
 * of their tests fails, which is then this program's failure. */
int workers_main(const char *name, const struct CMUnitTest *tests,
		 size_t count);

/* A little of everything that can come from nothing. */
void want_first(struct world *world);
/* Of both, world->model becomes that. From the one to the other, objects of all
 * kinds come, go, stay, and change in place or by being made again. */
void want_before(struct world *world);
void want_after(struct world *world);

/* What a command does: opens the instance, makes it what world->model says,
 * closes it. For fault_run. */
int apply_model(void *world, struct err *err);

/* Flows and counters of endpoints, ports and rules, as traffic would leave
 * them. */
void plant_traffic(struct world *world);

#endif
