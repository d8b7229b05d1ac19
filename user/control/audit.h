/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit - the parts of a check: what the record says beside what there is */
#ifndef BPFNET_AUDIT_H
#define BPFNET_AUDIT_H

#include "control/control_internal.h"
#include "control/report.h"

/*
 * Each part looks, and reports what is wrong. With mend, it also repairs what is
 * bpfnet's own, where it stands; what is somebody else's is only told. All of
 * them may be called again and again.
 */
struct audit {
	struct control *control;
	const struct host *host;
	struct report *report;
	bool mend;
	bool refill; /* something was repaired that the tables may not know */
};

/* Reports what --fix repairs. */
__attribute__((format(printf, 5, 6))) struct finding *
audit_defect(struct audit *audit, const char *check, enum severity severity,
	     const char *object, const char *fmt, ...);
/* What a repair has come to; err is told where rc is a failure. */
void audit_mended(struct audit *audit, struct finding *finding, int rc,
		  const struct err *err);

/* "endpoint web" */
const char *audit_object(char buf[80], const char *kind, const char *name);

void audit_record(struct audit *audit);
void audit_networks(struct audit *audit);
void audit_endpoints(struct audit *audit);
/* The devices and addresses inside an endpoint's namespace. */
void audit_inside(struct audit *audit, const struct endpoint *endpoint,
		  const struct network *network);
int audit_hooks(struct audit *audit, struct err *err);
int audit_tables(struct audit *audit, struct err *err);
/* What is the host's own, and never touched. */
void audit_host(struct audit *audit);
void audit_firewall(struct audit *audit);

#endif
