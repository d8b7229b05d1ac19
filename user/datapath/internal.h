/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* internal - what the files of the datapath share and nobody else sees */
#ifndef BPFNET_DATAPATH_INTERNAL_H
#define BPFNET_DATAPATH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "datapath/datapath.h"

#define BPFFS "/sys/fs/bpf"
/* "/sys/fs/bpf/NAME~new", and any name below it. */
#define PIN_ROOT_MAX 96
#define PIN_PATH_MAX 384

struct datapath {
	char root[PIN_ROOT_MAX]; /* the instance's directory in bpffs */
	bool clsact; /* to uplinks, too; fixed at load */
	int maps[MAP_COUNT];
	struct datapath_config *config; /* mmapped */
};

/* ---- pin.c: names in bpffs */

/* The directories of an instance. PIN_CLSACT is empty: its existence says that
 * the instance has no tcx links. The NEXT ones are there while programs are
 * exchanged: what comes, and then what goes. */
#define PIN_MAPS "maps"
#define PIN_MAPS_NEXT "maps~next"
#define PIN_PROGS "progs"
#define PIN_PROGS_NEXT "progs~next"
#define PIN_LINKS "links"
#define PIN_CLSACT "clsact"

/* 0, or -EOPNOTSUPP with the mount command as hint. */
int pin_check_bpffs(struct err *err);
/* The directory of an instance, after a check of the name and of bpffs. */
int pin_root(const char *instance, char ret[PIN_ROOT_MAX], struct err *err);
/* "ROOT/DIR/NAME", or "ROOT/DIR" without a name; returns buf. */
const char *pin_path(char buf[PIN_PATH_MAX], const char *root, const char *dir,
		     const char *name);
/* Where a directory that is still being filled stands; returns buf. No
 * instance can have this name. */
const char *pin_fresh(char buf[PIN_ROOT_MAX], const char *root);
/* Likewise, one that is being removed. */
const char *pin_stale(char buf[PIN_ROOT_MAX], const char *root);
bool pin_exists(const char *root, const char *dir, const char *name);
/* Makes the directory root, or dir in it, or name in that. */
int pin_dir(const char *root, const char *dir, const char *name,
	    struct err *err);
/* As datapath_open, with the maps of a directory of an instance's root. */
int pin_open(const char *instance, const char *maps, struct datapath **ret,
	     struct err *err);
/* Maps bn_config, whatever its version is. -EPROTO: it is none of bpfnet's. */
int pin_config(const char *root, const char *maps, int *ret_fd,
	       struct datapath_config **ret);
/* Says why the pinned programs are no use to this executable, and what is to be
 * done: -EPROTO. */
int pin_refuse(const char *instance, const char *why, struct err *err);
void pin_other_version(__u32 found, char why[BUILD_WHY_MAX]);
/* A new fd of a pinned program ("bn_from_uplink"). */
int pin_program(const struct datapath *dp, const char *name, struct err *err);

/* Bytes that a map's key, value and info say; -errno. */
struct bpf_map_info;
int map_info(int fd, struct bpf_map_info *ret);
int program_id(int fd, __u32 *ret);
bool program_has_map(int fd, const char *name);

/* ---- unload.c */

/* Ends the links and removes the pins of one directory tree that pin_root
 * named. Goes on after failures, err holds the first. */
int pin_remove(const char *root, struct err *err);
/* One directory of programs or maps below root; absent is fine. */
int pin_remove_dir(const char *root, const char *dir, struct err *err);

/* ---- diag.c: what libbpf has to say */

void diag_init(void); /* takes libbpf's messages over */
void diag_reset(void); /* forgets the earlier ones */
/* The line that best explains the failure since diag_reset; "" if none. */
const char *diag_reason(void);
/* Whether that line is the verifier's. */
bool diag_is_verifier(void);

/* ---- probe.c */

/* The first thing that is needed and that this kernel lacks, or NULL. */
const struct probe_info *probe_missing(void);
/* Whether tcx links exist; program: any of type SCHED_CLS. */
bool probe_tcx(int program);

/* ---- sockets.c */

/* Is a cgroup2 mounted? */
bool sockets_have_cgroup(void);

/* ---- exchange.c: other programs at all hooks */

#define PROGRAMS_MAX 32

/* The programs that are pinned in one directory. */
struct program_set {
	struct program {
		char name[32]; /* of the pin: the kernel's own is cut */
		int fd;
		__u32 id;
	} list[PROGRAMS_MAX];
	size_t count;
};
/* An absent directory is an empty set. */
int programs_open(const char *root, const char *dir, struct program_set *ret,
		  struct err *err);
void programs_close(struct program_set *set);
const struct program *programs_find(const struct program_set *set,
				    const char *name);
const struct program *programs_find_id(const struct program_set *set, __u32 id);

/* Makes every hook run the program of the directory that has the name of its
 * own one, each by one atomic exchange. What is as it shall be is left alone;
 * so the way back is the same with the other directory, and a call that comes
 * after one that was killed puts everything right. Goes on after failures, err
 * holds the first. */
int programs_put(const char *root, const char *dir, struct err *err);

/* ---- links.c: links that live as pins */

/* Newer than Debian 12's headers: BPF_LINK_TYPE_TCX, BPF_TCX_INGRESS, _EGRESS. */
#define LINK_TYPE_TCX 11
#define TCX_INGRESS 46
#define TCX_EGRESS 47

struct hook {
	const char *pin; /* below links/ */
	const char *program; /* below progs/ */
	int target; /* ifindex or cgroup fd */
	__u64 target_id; /* ifindex or cgroup id */
	int attach_type;
};
/* Idempotent; *ret_made tells whether the link is new. */
int link_attach(struct datapath *dp, const struct hook *hook, bool *ret_made,
		struct err *err);
int link_detach(struct datapath *dp, const char *pin, struct err *err);
/* Gives every pinned link the program of its name; one whose program is not in
 * the set keeps what it has. */
int links_put(const char *root, const struct program_set *set, struct err *err);
/* Ends the links whose program is not in the set. */
int links_prune(const char *root, const struct program_set *set,
		struct err *err);

/* ---- clsact.c */

/* Where our filter sits in each direction. */
#define FILTER_PRIORITY 0xbf
#define FILTER_HANDLE 0xb9f

/* Makes sure of the qdisc. root: of the instance, to remember there that the
 * qdisc is ours; NULL on a device that is ours itself and takes it along. */
int clsact_prepare(const char *root, int ifindex, struct err *err);
int clsact_attach(struct datapath *dp, const char *program, int ifindex,
		  bool egress, bool *ret_made, struct err *err);
/* Removes our filter in one direction. */
int clsact_detach(int ifindex, bool egress, struct err *err);
/* Replaces the filters of the programs in from, wherever in this network
 * namespace, by the programs of the same name in to. */
int clsact_put(const struct program_set *from, const struct program_set *to,
	       struct err *err);
/* Makes the qdisc go when it is ours and empty. */
int clsact_release(const char *root, int ifindex, struct err *err);
/* Removes the filters of the programs that are pinned below root, from every
 * device of this network namespace. */
void clsact_detach_all(const char *root);

/* ---- tables.c */

/* Calls on_entry for each element of a hash or LPM map until it returns
 * non-zero (returned). */
int map_each(int fd,
	     int (*on_entry)(const void *key, const void *value, void *arg),
	     void *arg);

/* ---- flows.c: the pure parts */

/* The key under which the other direction of this entry is. */
struct flow_key flow_reply_key(const struct flow_key *key,
			       const struct flow *flow);
/* Puts the pair of a forward half together; find looks the reply up (0 or
 * -errno). False when the entry is not a forward half. */
typedef int (*flow_find)(const struct flow_key *key, struct flow *ret,
			 void *arg);
bool flow_pair_make(const struct flow_key *key, const struct flow *flow,
		    flow_find find, void *arg, struct flow_pair *ret);

#endif
