/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* control_world - a host of its own for tests of the way to change it */
#ifndef BPFNET_TEST_CONTROL_WORLD_H
#define BPFNET_TEST_CONTROL_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/control.h"
#include "control/state.h"
#include "lib/ip.h"

/*
 * The host is a namespace with one device, up0, that has 203.0.113.2/24 and
 * the default route. /run, /etc/netns and the BPF file system are private, so
 * all that a test makes ends with the process. Each test begins without an
 * instance and must leave none: the teardown purges and looks.
 */
struct world {
	struct instance instance;
	struct model model; /* what apply is asked for */
	struct err err;
};

#define INSTANCE "bnctl"
#define RUN_DIR "/run/" INSTANCE
#define PIN_DIR "/sys/fs/bpf/" INSTANCE

#define WORLD_TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int world_setup(void **state);
int world_teardown(void **state);
/* What main returns. */
int world_main(const char *name, const struct CMUnitTest *tests, size_t count);

/* A shell command; its output must be freed. must: it succeeds. */
char *output_of(const char *command);
void must(const char *command);
bool succeeds(const char *command);
void await(const char *command); /* until it succeeds, for some seconds */
void file_put(const char *path, const char *text);

struct ipaddr ip_of_text(const char *text);

/* Adds to world->model. Text is what a user would write; subnet NULL: to be
 * found; netns NULL: implied by the name. */
void want_network(struct world *world, const char *name, const char *subnet);
void want_cable(struct world *world, const char *name, const char *subnet);
void want_endpoint(struct world *world, const char *name, const char *network,
		   const char *ip, const char *netns);
void want_port(struct world *world, const char *listen, const char *endpoint,
	       __u16 target);
void want_rule(struct world *world, const char *name, const char *from,
	       const char *to);
/* front 192.168.10.0/24 with web .10, its ports 8080-8082, and a rule. */
void want_web(struct world *world);

/* Makes the world what world->model says. 0 or -errno and world->err. */
int apply(struct world *world, size_t *ret_steps);
void must_apply(struct world *world);
/* Takes all of it away. 0 or -errno and world->err. */
int purge(struct world *world);
/* Must succeed. */
struct control *control_of(struct world *world, enum control_mode mode);
/* An ordinary command that wants nothing: what it does before anything else; and
 * how many endpoints there are after it. */
static inline void open_and_close(struct world *world)
{
	control_close(control_of(world, CONTROL_WRITE));
}

static inline size_t endpoints_left(struct world *world)
{
	struct control *control = control_of(world, CONTROL_WRITE);
	size_t count = control_model(control)->nendpoints;

	control_close(control);
	return count;
}

/* All that can be seen of the instance and its devices, as sorted text, without
 * what counts or numbers; freed by the caller. */
char *snapshot(struct world *world);

/* What /run holds, whatever the way there: the text of a record with nothing
 * else in it; freed by the caller. */
char *record(void);
bool is_recorded(const char *text); /* it has a line with it */
/* Records an object as one that its process did not finish. */
void interrupt(enum object_kind kind, const char *name);

/* Every element of a table; arrays: that is not zero. */
void table_each(struct datapath *dp, enum map_id map,
		void (*visit)(const char *key, size_t key_size,
			      const char *value, size_t value_size, void *arg),
		void *arg);
/* How many elements a table has; arrays: that are not zero. */
size_t table_count(struct datapath *dp, enum map_id map);
/* Tables and hooks are exactly what the instance's model asks for. */
void assert_tables_match(struct world *world);

#endif
