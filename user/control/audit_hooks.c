/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit_hooks - the programs at every device, ours and others' */
#include <string.h>

#include "control/audit.h"

struct device {
	struct audit *audit;
	const char *object;
	const char *name;
	bool is_uplink;
	bool is_bridge; /* none of ours runs there */
	bool runs[2]; /* ours, at ingress and egress */
	bool tells_foreign;
};

static const char *const direction[] = { "ingress", "egress" };

/* What is missing without the program: [uplink][egress]. */
static const char *const effect[2][2] = {
	{ "what the container sends is not checked, and finds no way out",
	  "what the host sends to the container is not checked" },
	{ "published ports cannot be reached from outside, answers to "
	  "containers are lost",
	  "containers' own addresses may leave" },
};

static const char *foreign_effect(const struct device *device, bool behind)
{
	if (device->is_bridge)
		return "it sees what the host itself sends and receives there";
	return behind ?
		       "behind bpfnet's: it does not see what bpfnet forwards" :
		       "before bpfnet's: what it drops or redirects does not "
		       "get to bpfnet";
}

static void tell_foreign(struct device *device,
			 const struct device_program *program)
{
	bool behind = device->is_bridge || device->runs[program->egress];
	struct finding *finding;

	finding = report_add(
		device->audit->report, "foreign-program",
		behind ? SEVERITY_NOTE : SEVERITY_WARNING, device->object,
		"%s program '%s' of somebody else at %s %s, %s", program->place,
		program->name, device->name, direction[program->egress],
		foreign_effect(device, behind));
	finding_hint(finding,
		     "'bpftool net show dev %s', 'tc filter show dev "
		     "%s %s'",
		     device->name, device->name, direction[program->egress]);
}

static void on_program(const struct device_program *program, void *arg)
{
	struct device *device = arg;

	if (program->own && program_is_for(program, device->is_uplink))
		device->runs[program->egress] = true;
	else if (device->tells_foreign && !program->own)
		tell_foreign(device, program);
}

static int look(struct device *device, int ifindex, bool tells_foreign,
		struct err *err)
{
	device->tells_foreign = tells_foreign;
	return device_programs(device->audit->control->dp, ifindex, on_program,
			       device, err);
}

static int attach(struct device *device, int ifindex, struct err *err)
{
	struct datapath *dp = device->audit->control->dp;

	return device->is_uplink ? attach_uplink(dp, ifindex, err) :
				   attach_endpoint(dp, ifindex, err);
}

/* One finding for each direction, one repair for both. */
static void tell_lost(struct device *device, int ifindex)
{
	struct audit *audit = device->audit;
	struct finding *finding = NULL;
	struct err err;

	for (int egress = 0; egress < 2; egress++)
		if (!device->runs[egress])
			finding = audit_defect(
				audit, "hook", SEVERITY_ERROR, device->object,
				"bpfnet's program at %s %s does not run: %s",
				device->name, direction[egress],
				effect[device->is_uplink][egress]);
	if (finding && audit->mend)
		audit_mended(audit, finding, attach(device, ifindex, &err),
			     &err);
}

static int audit_device(struct audit *audit, const char *kind, const char *name,
			const char *ifname, bool foreign, struct err *err)
{
	const struct link_info *link = host_find_link(audit->host, ifname);
	char object[80];
	struct device device = { .audit = audit,
				 .object = audit_object(object, kind, name),
				 .name = ifname,
				 .is_uplink = !strcmp(kind, "uplink"),
				 .is_bridge = !strcmp(kind, "network") };
	int rc;

	if (!link)
		return 0;
	rc = look(&device, link->ifindex, foreign, err);
	if (!rc && !foreign)
		tell_lost(&device, link->ifindex);
	return rc;
}

static int audit_devices(struct audit *audit, bool foreign, struct err *err)
{
	const struct model *model = &audit->control->model;
	int rc = 0;

	for (size_t i = 0; i < model->nuplinks && !rc; i++)
		rc = audit_device(audit, "uplink", model->uplinks[i].ifname,
				  model->uplinks[i].ifname, foreign, err);
	for (size_t i = 0; i < model->nendpoints && !rc; i++)
		rc = audit_device(audit, "endpoint", model->endpoints[i].name,
				  model->endpoints[i].host_ifname, foreign,
				  err);
	for (size_t i = 0; i < model->nnetworks && !rc && foreign; i++)
		rc = audit_device(audit, "network", model->networks[i].name,
				  model->networks[i].bridge, foreign, err);
	return rc;
}

static void audit_uplinks(struct audit *audit)
{
	const struct model *model = &audit->control->model;

	for (size_t i = 0; i < model->nuplinks; i++) {
		const char *name = model->uplinks[i].ifname;
		const struct link_info *link =
			host_find_link(audit->host, name);
		struct finding *finding;
		char object[80];

		if (link && link->up)
			continue;
		finding = report_add(audit->report, "hook", SEVERITY_WARNING,
				     audit_object(object, "uplink", name),
				     "device %s is %s: no way out by it", name,
				     link ? "down" : "gone");
		if (link)
			finding_hint(finding, "'ip link set %s up'", name);
		else
			finding_hint(finding, "'bpfnet uplink add' another");
	}
}

static void audit_sockets(struct audit *audit)
{
	struct control *control = audit->control;
	size_t lost = sockets_lost(control->dp);
	struct finding *finding;
	struct err err;

	if (!lost)
		return;
	finding = audit_defect(audit, "hook", SEVERITY_ERROR, "sockets",
			       "%zu of the hooks of the host's sockets do not "
			       "run: its own clients do not reach published "
			       "ports",
			       lost);
	if (audit->mend)
		audit_mended(audit, finding,
			     sockets_restore(control->dp,
					     control->instance.cgroup, &err),
			     &err);
}

int audit_hooks(struct audit *audit, struct err *err)
{
	int rc;

	report_begin(audit->report);
	audit_uplinks(audit);
	audit_sockets(audit);
	rc = audit_devices(audit, false, err);
	report_end(audit->report, "hook", "all programs run");
	if (rc || audit->mend)
		return rc;
	report_begin(audit->report);
	rc = audit_devices(audit, true, err);
	report_end(audit->report, "foreign-program", "none");
	return rc;
}
