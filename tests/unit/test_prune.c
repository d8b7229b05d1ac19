/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_prune - whatever was made by whom, prune takes only what files made */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "lib/cleanup.h"
#include "model/fill.h"
#include "model/merge.h"
#include "model/plan.h"
#include "random_model.h"

#define SEEDS 1000

/* What runs. */
static struct model running(uint64_t seed)
{
	struct model m = random_model(seed), none;
	struct err err;

	random_origins(seed, &m);
	model_init(&none);
	if (model_fill(&m, &none, &err))
		fail_msg("seed %lu: %s", (unsigned long)seed, err.text);
	return m;
}

/* What a file says; policy or not. */
static struct model of_file(uint64_t seed)
{
	struct model m = random_model(seed);

	m.policy_given = seed % 2;
	if (!m.policy_given)
		while (m.nrules)
			model_del_rule(&m, m.rules);
	return m;
}

/* ------------------------------------------------------------------ what goes */

static bool has_port(const struct model *m, const struct publish *p)
{
	char a[ENDPOINT_TEXT_MAX + 16], b[ENDPOINT_TEXT_MAX + 16];

	publish_print(p, a, sizeof(a));
	for (size_t i = 0; i < m->npublishes; i++)
		if (!strcmp(publish_print(&m->publishes[i], b, sizeof(b)), a))
			return true;
	return false;
}

/* Each object stays that is somebody else's, or that the file names. */
static void assert_kept(const struct model *before, const struct model *file,
			const struct model *after)
{
	for (size_t i = 0; i < before->nnetns; i++) {
		const struct netns *ns = &before->netns[i];

		assert_int_equal(!!model_find_netns(after, ns->name),
				 ns->origin != ORIGIN_FILE ||
					 model_find_netns(file, ns->name));
	}
	for (size_t i = 0; i < before->nnetworks; i++) {
		const struct network *n = &before->networks[i];

		assert_int_equal(!!model_find_network(after, n->name),
				 n->origin != ORIGIN_FILE ||
					 model_find_network(file, n->name));
	}
	for (size_t i = 0; i < before->nendpoints; i++) {
		const struct endpoint *e = &before->endpoints[i];

		assert_int_equal(!!model_find_endpoint(after, e->name),
				 e->origin != ORIGIN_FILE ||
					 model_find_endpoint(file, e->name));
	}
	for (size_t i = 0; i < before->npublishes; i++) {
		const struct publish *p = &before->publishes[i];

		assert_int_equal(has_port(after, p),
				 p->origin != ORIGIN_FILE || has_port(file, p));
	}
	for (size_t i = 0; i < before->nrules; i++) {
		const struct policy_rule *r = &before->rules[i];

		assert_int_equal(!!model_find_rule(after, r->name),
				 r->origin != ORIGIN_FILE ||
					 model_find_rule(file, r->name));
	}
	for (size_t i = 0; i < before->nuplinks; i++) {
		const struct uplink *u = &before->uplinks[i];

		assert_int_equal(!!model_find_uplink(after, u->ifname),
				 u->origin != ORIGIN_FILE ||
					 model_find_uplink(file, u->ifname));
	}
}

static void assert_origin(enum origin is, bool was_there, enum origin was)
{
	assert_int_equal(is, was_there ? was : ORIGIN_FILE);
}

/* What the file names belongs to whom it belonged before, else to the file. */
static void assert_owners(const struct model *before, const struct model *after)
{
	for (size_t i = 0; i < after->nnetworks; i++) {
		const struct network *was =
			model_find_network(before, after->networks[i].name);

		assert_origin(after->networks[i].origin, was,
			      was ? was->origin : 0);
	}
	for (size_t i = 0; i < after->nendpoints; i++) {
		const struct endpoint *was =
			model_find_endpoint(before, after->endpoints[i].name);

		assert_origin(after->endpoints[i].origin, was,
			      was ? was->origin : 0);
	}
}

static void assert_all_there(const struct model *file,
			     const struct model *after)
{
	for (size_t i = 0; i < file->nnetworks; i++)
		assert_non_null(
			model_find_network(after, file->networks[i].name));
	for (size_t i = 0; i < file->nendpoints; i++)
		assert_non_null(
			model_find_endpoint(after, file->endpoints[i].name));
	for (size_t i = 0; i < file->npublishes; i++)
		assert_true(has_port(after, &file->publishes[i]));
	for (size_t i = 0; i < file->nnetns; i++)
		assert_non_null(model_find_netns(after, file->netns[i].name));
}

/* ---------------------------------------------------------- why it is refused */

static bool goes(enum origin origin, const void *in_file)
{
	return origin == ORIGIN_FILE && !in_file;
}

static bool endpoint_goes(const struct model *m, const struct model *file,
			  const char *name)
{
	const struct endpoint *e = model_find_endpoint(m, name);

	return e && goes(e->origin, model_find_endpoint(file, name));
}

static bool network_goes(const struct model *m, const struct model *file,
			 const char *name)
{
	const struct network *n = model_find_network(m, name);

	return n && goes(n->origin, model_find_network(file, name));
}

static bool peer_goes(const struct model *m, const struct model *file,
		      const struct policy_peer *peer)
{
	return (peer->kind == SEL_ENDPOINT &&
		endpoint_goes(m, file, peer->name)) ||
	       (peer->kind == SEL_NETWORK && network_goes(m, file, peer->name));
}

/* Something that stays uses something that would go. */
static bool is_in_use(const struct model *m, const struct model *file)
{
	for (size_t i = 0; i < m->nendpoints; i++)
		if (!endpoint_goes(m, file, m->endpoints[i].name) &&
		    network_goes(m, file, m->endpoints[i].network))
			return true;
	for (size_t i = 0; i < m->npublishes; i++)
		if (m->publishes[i].origin != ORIGIN_FILE &&
		    endpoint_goes(m, file, m->publishes[i].endpoint))
			return true;
	for (size_t i = 0; i < m->nrules; i++)
		if (m->rules[i].origin != ORIGIN_FILE &&
		    (peer_goes(m, file, &m->rules[i].from) ||
		     peer_goes(m, file, &m->rules[i].to)))
			return true;
	return false;
}

/* Somebody else has published a port of the file's to another endpoint. */
static bool is_taken(const struct model *m, const struct model *file)
{
	for (size_t i = 0; i < file->npublishes; i++)
		for (size_t k = 0; k < m->npublishes; k++)
			if (publish_collides(&file->publishes[i],
					     &m->publishes[k]) &&
			    m->publishes[k].origin != ORIGIN_FILE &&
			    strcmp(m->publishes[k].endpoint,
				   file->publishes[i].endpoint) != 0)
				return true;
	return false;
}

static void prune_is_by_origin(void **state)
{
	unsigned int merged = 0, in_use = 0, taken = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model before = running(seed);
		struct model file = of_file(seed + 5000);
		struct model after;
		struct err err;
		int rc;

		assert_int_equal(model_copy(&before, &after), 0);
		rc = model_merge(&after, &file, true, &err);
		if (!rc) {
			assert_kept(&before, &file, &after);
			assert_owners(&before, &after);
			assert_all_there(&file, &after);
			merged++;
		} else if (rc == -EBUSY) {
			assert_true(is_in_use(&before, &file));
			in_use++;
		} else {
			assert_int_equal(rc, -EADDRINUSE);
			assert_true(is_taken(&before, &file));
			taken++;
		}
		model_free(&before);
		model_free(&file);
		model_free(&after);
	}
	/* The dice have shown all three. */
	assert_true(merged > 100 && in_use > 100 && taken > 100);
}

/* ------------------------------------------------------------ export and apply */

static void on_line(void *arg, const char *line)
{
	(void)arg;
	print_error("%s\n", line);
}

static struct model exported(const struct model *m)
{
	_cleanup_free_ char *text = NULL;
	struct model file;
	struct err err;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	config_print(m, out);
	fclose(out);
	if (config_parse("export", text, len, on_line, NULL, &file, &err))
		fail_msg("%s in\n%s", err.text, text);
	return file;
}

/* Whoever made what: the file names all of it, so nothing is pruned either. */
static void applying_what_was_exported_does_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct model m = running(seed), file = exported(&m), desired;
		struct plan plan;
		struct err err;

		assert_int_equal(model_copy(&m, &desired), 0);
		if (model_merge(&desired, &file, seed % 2, &err) ||
		    model_fill(&desired, &m, &err))
			fail_msg("seed %lu: %s", (unsigned long)seed, err.text);
		assert_int_equal(plan_make(&m, &desired, &plan), 0);
		if (plan.nsteps)
			plan_print(&plan, stderr);
		assert_int_equal(plan.nsteps, 0);
		for (size_t i = 0; i < m.nrules; i++) {
			const struct policy_rule *rule = &desired.rules[i];

			assert_int_equal(rule->origin, m.rules[i].origin);
			assert_int_equal(rule->dormant, m.rules[i].dormant);
		}
		plan_free(&plan);
		model_free(&m);
		model_free(&file);
		model_free(&desired);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prune_is_by_origin),
		cmocka_unit_test(applying_what_was_exported_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
