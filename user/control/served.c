/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* served - warns of ports that are taken from processes of the host */
#include "control/served.h"

#include <stdlib.h>

#include "kernel/listener.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "model/model.h"

struct search {
	const struct plan *plan;
	bool *told; /* of each step: a port has many sockets */
};

static bool is_published(const struct publish *p, const struct listener *at)
{
	return p->proto == at->proto && p->port <= at->port &&
	       at->port <= p->port_last &&
	       (p->any_host || ip_is_any(&at->ip) ||
		ip_equal(&p->host_ip, &at->ip));
}

static void on_listener(const struct listener *listener, void *arg)
{
	const struct search *search = arg;
	char text[96];

	for (size_t i = 0; i < search->plan->nsteps; i++) {
		const struct step *step = &search->plan->steps[i];
		const struct publish *p = step->new;

		if (step->op != STEP_ADD || step->kind != OBJECT_PUBLISH ||
		    search->told[i] || !is_published(p, listener))
			continue;
		search->told[i] = true;
		log_warn("port %s: a process of the host listens at %u, new "
			 "clients get to '%s' instead",
			 publish_print(p, text, sizeof(text)), listener->port,
			 p->endpoint);
	}
}

static bool has_publish(const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsteps; i++)
		if (plan->steps[i].op == STEP_ADD &&
		    plan->steps[i].kind == OBJECT_PUBLISH)
			return true;
	return false;
}

void served_warn(const struct plan *plan)
{
	_cleanup_free_ bool *told = NULL;
	struct search search = { .plan = plan };

	if (!has_publish(plan))
		return;
	told = calloc(plan->nsteps, sizeof(*told));
	search.told = told;
	if (told)
		listener_each(on_listener, &search);
}
