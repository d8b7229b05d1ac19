/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* datapath - the BPF programs and maps of one instance, loaded and pinned */
#ifndef BPFNET_DATAPATH_H
#define BPFNET_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>

#include <bpfnet/abi.h>

#include "lib/err.h"

/*
 * Everything of an instance is pinned below /sys/fs/bpf/NAME:
 *   maps/bn_*        the maps
 *   progs/bn_*       the programs
 *   progs/bn_build_* says which build's they are
 *   links/<hook>_<ifindex>  tcx links, of uplinks
 *   links/cgroup_<program>  socket hooks
 * The datapath therefore lives without any process. Loading and verifying
 * happens once, in datapath_load; every later process opens the pins.
 */
struct datapath;

enum map_id {
	MAP_CONFIG,
	MAP_FLOWS,
	MAP_EMBRYOS,
	MAP_EP_FLOWS,
	MAP_ENDPOINTS,
	MAP_ADDRS,
	MAP_NETWORKS,
	MAP_NO_MASQ,
	MAP_SUBNETS,
	MAP_LOCALS,
	MAP_UPLINKS,
	MAP_PUBLISH,
	MAP_PUB_FROM,
	MAP_PUB_HITS,
	MAP_RULE_HITS,
	MAP_POLICY,
	MAP_POLICY_CIDR,
	MAP_REASONS,
	MAP_EP_STATS,
	MAP_STATS,
	MAP_PEERS,
	MAP_FRAGS,
	MAP_EVENTS,
	MAP_COUNT
};
/* Names as the kernel and the pins show them ("bn_flows"), by enum map_id. */
extern const char *const map_name[MAP_COUNT];

/* Opens the pins of an instance. -ENOENT when there are none; refuses pins of
 * another ABI version (-EPROTO, with what to do as the hint). bpffs must be
 * mounted (error with the mount command as hint, exit 8). */
int datapath_open(const char *instance, struct datapath **ret, struct err *err);

/* What a fresh datapath is made with; goes to map sizes and rodata. */
struct datapath_options {
	__u32 flows_max; /* flows; the table has twice as many entries */
	bool force_clsact;
};
/* Loads, verifies and pins all programs and maps; nothing stays on failure. A
 * kernel that lacks something needed: exit 8 with its name. */
int datapath_load(const char *instance, const struct datapath_options *options,
		  struct datapath **ret, struct err *err);
void datapath_close(struct datapath *dp); /* frees; the pins stay */

/* ---- other programs for an instance that runs, see upgrade.c */

/* How what is pinned relates to the programs of this executable. */
enum build_state {
	BUILD_NONE, /* nothing is pinned */
	BUILD_SAME, /* it is those */
	BUILD_OTHER, /* others, with the same tables */
	BUILD_FOREIGN, /* others, with tables that these cannot use */
};

#define BUILD_WHY_MAX 128

struct build {
	enum build_state state;
	__u64 netns_cookie; /* of the instance's home, 0: not known */
	char why[BUILD_WHY_MAX]; /* foreign: to follow "the programs ..." */
};
int datapath_compare(const char *instance, struct build *ret, struct err *err);
/* The error to be shown for a foreign build: -EPROTO. */
int datapath_refuse(const char *instance, const struct build *build,
		    struct err *err);

/* Whether the pinned programs are those of this executable, and no exchange was
 * left half-way. Cheap: names alone are looked at. */
bool datapath_is_current(const struct datapath *dp);

/* Writes what programs need to find in the tables. */
struct datapath_filler {
	int (*fill)(struct datapath *dp, void *arg, struct err *err);
	void *arg;
};

/*
 * Puts the programs of this executable in the place of those that are pinned,
 * at every hook, by one atomic exchange each. keep: with the tables that there
 * are, so flows and counters go on; else with new ones. The filler gets the
 * datapath while no packet sees the new programs. On failure the old programs
 * run everywhere, as before. A process that dies half-way leaves a datapath that
 * works, and the next call puts it right.
 */
int datapath_upgrade(const char *instance,
		     const struct datapath_options *options, bool keep,
		     const struct datapath_filler *filler,
		     struct datapath **ret, struct err *err);

/* ---- what a datapath has */

/* Detaches everything, removes all pins and the directory. Goes on after
 * failures. Works on a half-made or foreign-version directory, too. */
int datapath_unload(const char *instance, struct err *err);
/* Removes what a load or an unload has left that did not come to its end. */
int datapath_tidy(const char *instance, struct err *err);

int datapath_map(const struct datapath *dp, enum map_id map); /* fd, borrowed */
/* The mmapped configuration: shared memory with the programs. Write single
 * fields with __atomic_store_n. Magic and ABI are already set. */
struct datapath_config *datapath_config(const struct datapath *dp);
void datapath_bump(struct datapath *dp); /* decisions: generation++ */
void datapath_bump_routes(struct datapath *dp); /* route_generation++ */
__u32 datapath_now(void); /* the current tick, see FLOW_TICK_SHIFT */

/* Hooks. attach is idempotent (0 when the right program is already there) and
 * never touches foreign programs. Uplinks: by tcx where the kernel has it and
 * the instance was not loaded with force_clsact. Else, and on the devices that
 * are ours, clsact with our own priority and handle. Must be called in the
 * host's network namespace. */
int attach_endpoint(struct datapath *dp, int ifindex, struct err *err);
int detach_endpoint(struct datapath *dp, int ifindex, struct err *err);
int attach_uplink(struct datapath *dp, int ifindex, struct err *err);
int detach_uplink(struct datapath *dp, int ifindex, struct err *err);
/* Removes what is left of hooks on devices that keep does not want, most of
 * them gone: what a process did not come to that died. */
int hooks_tidy(struct datapath *dp, bool (*keep)(int ifindex, void *arg),
	       void *arg, struct err *err);
/* All socket hooks at a cgroup2 directory; NULL: the cgroup2 mount's root. */
int attach_sockets(struct datapath *dp, const char *cgroup, struct err *err);
/* Of them those that no link is pinned for: what another build did not have. */
int attach_sockets_missing(struct datapath *dp, const char *cgroup,
			   struct err *err);
int detach_sockets(struct datapath *dp, struct err *err);
/* "tcx" or "clsact": of uplinks. */
const char *datapath_attach_mode(const struct datapath *dp);

/* What runs at a device, in the order that a packet meets it, those of others
 * included. place: "xdp", "tcx" or "tc". */
struct device_program {
	const char *place;
	bool egress;
	bool own; /* of this instance; name is that of its pin, if it has one */
	__u32 id; /* 0: a filter without a program, name is its kind */
	char name[32];
};
typedef void (*program_visitor)(const struct device_program *program,
				void *arg);
int device_programs(const struct datapath *dp, int ifindex,
		    program_visitor visit, void *arg, struct err *err);
/* Whether it is the one that attach_uplink, or attach_endpoint, puts there. */
bool program_is_for(const struct device_program *program, bool uplink);
/* How many of the socket hooks do not run this instance's program. */
size_t sockets_lost(const struct datapath *dp);
/* Attaches those at the cgroup, as attach_sockets; the others stay. */
int sockets_restore(struct datapath *dp, const char *cgroup, struct err *err);

/* Pins that are missing below an instance's directory, as "maps/bn_flows". An
 * instance without a directory misses none. */
int pins_lost(const char *instance, void (*visit)(const char *pin, void *arg),
	      void *arg, struct err *err);
/* Pins the maps that programs still have again. Programs whose pins are missing
 * are for datapath_upgrade, which finds another build then. */
int pins_restore(const char *instance, struct err *err);

/* Maps: plain element operations with an error text; -ENOENT on del is 0. */
int table_set(struct datapath *dp, enum map_id map, const void *key,
	      const void *value, struct err *err);
int table_get(struct datapath *dp, enum map_id map, const void *key,
	      void *value); /* 0 or -errno */
int table_del(struct datapath *dp, enum map_id map, const void *key,
	      struct err *err);

/* Makes the map's content exactly these count elements: sets all of them, then
 * removes every other key. Arrays keep what is not named. keys and values are
 * packed by the map's own sizes. */
int table_replace(struct datapath *dp, enum map_id map, const void *keys,
		  const void *values, size_t count, struct err *err);

/* What a table has, or should have, packed by the map's own sizes. Of rows with
 * the same key the last one counts. */
struct table_rows {
	const void *keys;
	const void *values;
	size_t count;
};

/* From what is known to be in a hash to what is wanted, without reading it. Costs
 * next to nothing for as many rows as both begin with. */
int table_change(struct datapath *dp, enum map_id map,
		 const struct table_rows *before,
		 const struct table_rows *after, struct err *err);

/* Calls visit for each element until it returns non-zero (returned). Not for
 * maps of maps. */
int table_visit(const struct datapath *dp, enum map_id map,
		int (*visit)(const void *key, const void *value, void *arg),
		void *arg, struct err *err);

/* What of a map is not as table_replace would leave it. */
#define TABLE_KEY_MAX 64
enum table_flaw {
	FLAW_MISSING,
	FLAW_SURPLUS,
	FLAW_CHANGED, /* it has another value */
};
struct table_differ {
	size_t count; /* of elements */
	/* Of one of them, one that is missing if there is such a one. */
	enum table_flaw flaw;
	char key[TABLE_KEY_MAX];
};
int table_compare(const struct datapath *dp, enum map_id map,
		  const struct table_rows *rows, struct table_differ *ret,
		  struct err *err);

/* A compiled policy, see abi.h. */
struct policy_cidr {
	struct policy_cidr_key key; /* policy_write fills in the bank */
	struct policy_cidr_val value;
};
struct policy_image {
	union policy_line *lines;
	__u32 nlines;
	struct policy_cidr *cidrs;
	size_t ncidrs;
	__u64 hash; /* of the rules that it was made of, never 0 */
};

/* Writes a policy beside the one in force and then exchanges them by one store;
 * on failure the old one stays. One that is in force already is left alone: an
 * exchange waits for the programs that run, tens of milliseconds. The caller
 * bumps the generation. */
int policy_write(struct datapath *dp, const struct policy_image *image,
		 struct err *err);
/* How many lines and prefixes are not as the image says. */
int policy_compare(const struct datapath *dp, const struct policy_image *image,
		   size_t *ret_differ, struct err *err);
/* The next policy_write writes, whatever seems to be in force. */
void policy_distrust(struct datapath *dp);

/* Per-CPU values summed over all CPUs, all 64 bits. */
int counters_reasons(struct datapath *dp, __u64 ret[REASON_COUNT],
		     struct err *err);
int counters_endpoint(struct datapath *dp, __u32 slot,
		      struct endpoint_stats *ret, struct err *err);
int counters_endpoint_clear(struct datapath *dp, __u32 slot, struct err *err);
int counters_flows(struct datapath *dp, struct flow_stats *ret,
		   struct err *err);

struct map_usage {
	const char *name;
	__u64 entries; /* counted; arrays: max */
	__u64 max;
	__u64 bytes; /* kernel memory: "memlock" of fdinfo */
};
int map_usage_get(struct datapath *dp, enum map_id map, struct map_usage *ret,
		  struct err *err);

/* A flow, both directions put together. forward is the initiator's direction;
 * reply has reply_found false when that half is missing. */
struct flow_pair {
	struct flow_key forward_key;
	struct flow forward;
	struct flow_key reply_key;
	struct flow reply;
	bool reply_found;
};
/* Calls visit for every flow until it returns non-zero (returned). Uses batch
 * look-ups; flows that come, go or move from bn_embryos to bn_flows meanwhile
 * may be seen or not. */
int flows_each(struct datapath *dp,
	       int (*visit)(const struct flow_pair *pair, void *arg), void *arg,
	       struct err *err);
/* Calls visit with the address of each endpoint, also of a former one, that a
 * flow begins or ends at; as often as there are flows. Otherwise as flows_each,
 * and cheaper. */
int flows_each_endpoint(struct datapath *dp,
			int (*visit)(const struct ipaddr *ip, void *arg),
			void *arg, struct err *err);
/* Ends the flows of these forward keys, both halves of each, as bn_gc does: what
 * they have counted goes to their publishes and rules. Those that are gone by
 * now are left out of ret_ended. */
int flows_end(struct datapath *dp, const struct flow_key *keys, size_t count,
	      __u64 *ret_ended, struct err *err);
/* "established", "syn-sent", "syn-recv", "closing", "reset", "one-way", "two-way". */
const char *flow_state(const struct flow_pair *pair);

/*
 * What rules with "log" have decided, as it happens; one reader at a time gets
 * it all. visit is called by events_read, which never waits; events_fd is
 * readable when there is something. The events stay those of the maps that dp
 * had, which events_are_of tells.
 */
struct events;
typedef void (*event_visitor)(const struct event *event, void *arg);
int events_open(const struct datapath *dp, event_visitor visit, void *arg,
		struct events **ret, struct err *err);
void events_close(struct events *events); /* NULL is none */
int events_fd(const struct events *events);
int events_read(struct events *events, struct err *err);
bool events_are_of(const struct events *events, const struct datapath *dp);

/* Runs bn_gc. args in and out, see abi.h. */
int datapath_gc(struct datapath *dp, struct gc_args *args, struct err *err);

/* What the datapath uses of the kernel, or could. */
struct probe_info {
	const char *name;
	const char *since; /* the Linux version that brought it */
	const char *purpose; /* what it is used for */
	bool needed; /* nothing works without it */
	bool by_bpf; /* only who may use BPF can ask */
};
enum probe_answer { PROBE_NO, PROBE_YES, PROBE_UNKNOWN };
/* Asks the kernel for each of them; nothing stays behind. */
void probe_each(void (*visit)(const struct probe_info *info,
			      enum probe_answer answer, void *arg),
		void *arg);

extern const char *const reason_label[REASON_COUNT];
extern const char *const reason_text[REASON_COUNT];
static inline bool reason_is_drop(enum reason why)
{
	return why >= REASON_FIRST_DROP;
}

#endif
