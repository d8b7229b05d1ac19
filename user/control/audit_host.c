/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit_host - the kernel, and what of the host's own may have a part in it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/audit.h"
#include "control/feature.h"
#include "kernel/sysctl.h"

/* ----------------------------------------------------------------- kernel */

static void on_feature(const struct probe_info *info, enum probe_answer answer,
		       void *arg)
{
	struct audit *audit = arg;
	struct finding *finding;

	if (!info->needed || answer != PROBE_NO)
		return;
	finding = report_add(audit->report, "kernel", SEVERITY_ERROR,
			     info->name, "missing: %s", info->purpose);
	finding_hint(finding, "Linux %s has it, see 'bpfnet feature'",
		     info->since);
}

static void audit_kernel(struct audit *audit)
{
	report_begin(audit->report);
	feature_each(on_feature, audit);
	report_end(audit->report, "kernel", "has all that is needed");
}

/* ---------------------------------------------------------------- sysctls */

/* -1: the kernel has none. */
static int sysctl_number(const char *path)
{
	char value[32];

	return sysctl_read(path, value, sizeof(value), NULL) ? -1 : atoi(value);
}

static void audit_bridge_filter(struct audit *audit)
{
	static const char *const names[] = { "iptables", "ip6tables",
					     "arptables" };

	report_begin(audit->report);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct finding *finding;
		char path[64];

		snprintf(path, sizeof(path), "net/bridge/bridge-nf-call-%s",
			 names[i]);
		if (sysctl_number(path) <= 0)
			continue;
		finding = report_add(
			audit->report, "br-netfilter", SEVERITY_NOTE, path,
			"%s sees what bridges carry themselves: broadcast and "
			"multicast between containers may be dropped there",
			names[i]);
		finding_hint(finding, "'sysctl net.bridge.bridge-nf-call-%s=0'",
			     names[i]);
	}
	report_end(audit->report, "br-netfilter", "does not see bridges");
}

/* The stricter one of a device's own value and of that for all holds. */
static int rp_filter_of(const char *device)
{
	int all = sysctl_number("net/ipv4/conf/all/rp_filter"), own;
	char path[96];

	snprintf(path, sizeof(path), "net/ipv4/conf/%s/rp_filter", device);
	own = sysctl_number(path);
	return own > all ? own : all;
}

/*
 * What bpfnet forwards does not come by it. What it leaves to the host's stack
 * does: with one uplink all ways lead back, with several not.
 */
static void audit_rp_filter(struct audit *audit)
{
	const struct model *model = &audit->control->model;

	report_begin(audit->report);
	for (size_t i = 0; i < model->nuplinks; i++) {
		const char *name = model->uplinks[i].ifname;
		bool one = model->nuplinks == 1;
		struct finding *finding;
		char object[80];

		if (rp_filter_of(name) != 1)
			continue;
		finding = report_add(
			audit->report, "rp-filter",
			one ? SEVERITY_NOTE : SEVERITY_WARNING,
			audit_object(object, "uplink", name), "%s",
			one ? "strict: of no effect on containers and "
			      "published ports while this is the only uplink" :
			      "strict: packets to the host itself are dropped "
			      "here when the way back is by another uplink; "
			      "containers and published ports are not "
			      "concerned");
		finding_hint(finding,
			     "'sysctl net.ipv4.conf.%s.rp_filter=2', "
			     "and the same for 'all'",
			     name);
	}
	report_end(audit->report, "rp-filter", "not strict on an uplink");
}

static void audit_forwarding(struct audit *audit)
{
	static const struct {
		const char *path, *hint;
	} all[] = {
		{ "net/ipv4/ip_forward", "net.ipv4.ip_forward" },
		{ "net/ipv6/conf/all/forwarding", "net.ipv6.conf.all."
						  "forwarding" },
	};

	report_begin(audit->report);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (sysctl_number(all[i].path) == 1)
			report_add(
				audit->report, "forwarding", SEVERITY_NOTE,
				all[i].hint,
				"the host is a router: what bpfnet leaves to "
				"it may be forwarded by others' rules");
	report_end(audit->report, "forwarding",
		   "off for the host as a whole, which bpfnet does not need");
}

void audit_host(struct audit *audit)
{
	audit_kernel(audit);
	audit_bridge_filter(audit);
	audit_rp_filter(audit);
	audit_forwarding(audit);
	audit_firewall(audit);
}
