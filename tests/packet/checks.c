/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* checks - an instance to be checked, and what a check says */
#include "checks.h"

struct report check(struct world *world)
{
	struct control *control = control_of(world, CONTROL_CHECK);
	struct report report = { 0 };

	if (control_check(control, &report, &world->err))
		fail_msg("%s", world->err.text);
	control_close(control);
	return report;
}

void fix(struct world *world)
{
	struct control *control = control_of(world, CONTROL_MEND);

	if (control_mend(control, &world->err))
		fail_msg("%s", world->err.text);
	control_close(control);
}

const struct finding *find(const struct report *report, const char *name,
			   enum severity severity, const char *object)
{
	for (size_t i = 0; i < report->count; i++)
		if (!strcmp(report->list[i].check, name) &&
		    report->list[i].severity == severity &&
		    !strcmp(report->list[i].object, object))
			return &report->list[i];
	return NULL;
}

void assert_sound(struct world *world)
{
	struct report report = check(world);

	for (size_t i = 0; i < report.count; i++)
		if (report.list[i].severity >= SEVERITY_WARNING)
			fail_msg("%s: %s: %s", report.list[i].check,
				 report.list[i].object, report.list[i].message);
	report_free(&report);
}

void want_checked(struct world *world)
{
	struct network *front;

	must("ip link add up1 type bridge && ip link set up1 up");
	want_web(world);
	front = model_find_network(&world->model, "front");
	assert_int_equal(cidr_parse("fd00:10::/64", &front->subnets[1]), 0);
	front->nsubnets = 2;
	assert_int_equal(cidr_parse("10.9.0.0/16", &front->no_masq[0]), 0);
	front->nno_masq = 1;
	want_endpoint(world, "api", "front", "192.168.10.11", NULL);
	want_network(world, "out", "192.168.20.0/24");
	model_find_network(&world->model, "out")->routed = true;
	model_find_network(&world->model, "out")->mtu = 1400;
	want_endpoint(world, "dmz", "out", "192.168.20.10", NULL);
	want_port(world, "203.0.113.2:53/udp", "dmz", 5353);
	assert_int_equal(cidr_parse("198.51.100.0/24",
				    &world->model.publishes[1].from[0]),
			 0);
	world->model.publishes[1].nfrom = 1;
	want_port(world, "9000-9004", "dmz", 90);
	want_cable(world, "host", "192.168.30.0/24");
	want_endpoint(world, "edge", "host", "192.168.30.10", NULL);
	want_cable(world, "pair", "192.168.40.0/24");
	want_endpoint(world, "left", "pair", "192.168.40.1", NULL);
	want_endpoint(world, "right", "pair", "192.168.40.2", NULL);
	world->model.settings.udp = 77;
	must_apply(world);
}
