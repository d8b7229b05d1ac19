/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* check_internal - what the parts of model_check share */
#ifndef BPFNET_CHECK_INTERNAL_H
#define BPFNET_CHECK_INTERNAL_H

#include "model/cable.h"
#include "model/check.h"
#include "model/index.h"

struct check {
	const struct model *model;
	check_report report;
	void *arg;
	size_t count;
	struct index networks, endpoints; /* by name */
	struct cables cables;
};

/* Where a finding belongs. */
struct place {
	enum object_kind kind;
	size_t index;
};

/* Each reports one finding. A conflict's kind is a stable word for scripts;
 * hint may be NULL. */
__attribute__((format(printf, 4, 5))) void check_usage(struct check *c,
						       struct place at,
						       const char *hint,
						       const char *fmt, ...);
__attribute__((format(printf, 4, 5))) void check_conflict(struct check *c,
							  struct place at,
							  const char *kind,
							  const char *fmt, ...);
/* "FMT: no endpoint 'NAME'", or network, with the one that was meant. */
__attribute__((format(printf, 5, 6))) void
check_missing(struct check *c, struct place at, enum object_kind kind,
	      const char *name, const char *fmt, ...);
void check_out_of_memory(struct check *c);
void check_finding(struct check *c, struct place at, const struct err *err);

/* Valid and not yet in names, to which it is added. what: "endpoint". */
void check_name(struct check *c, struct place at, const char *what,
		const char *name, struct index *names);

/* Why it is not a device's name; NULL: it is one. */
const char *ifname_hint(const char *name);

/* Masquerade addresses, of an "uplink" or a "network": one of each family, and
 * of a kind that can be sent from, and outside of all subnets. */
void check_snat(struct check *c, struct place at, const char *what,
		const char *name, const struct ipaddr *snat, size_t count);

void check_networks(struct check *c);
void check_endpoints(struct check *c);
void check_cables(struct check *c);
void check_publishes(struct check *c);
void check_rules(struct check *c);

#endif
