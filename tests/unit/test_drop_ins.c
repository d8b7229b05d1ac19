/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_drop_ins - a configuration file and those of the directory beside it */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "lib/cleanup.h"

#define MAIN                                      \
	"version: 1\n"                            \
	"networks:\n"                             \
	"  front: {subnets: [192.168.10.0/24]}\n" \
	"endpoints:\n"                            \
	"  web: {network: front}\n"               \
	"policy:\n"                               \
	"  - {name: first, from: any, to: web, allow: true}\n"

struct world {
	char dir[64];
	struct model model;
	struct err err;
	char *lines; /* what was found wrong */
	size_t size;
	FILE *out;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	snprintf(world->dir, sizeof(world->dir), "/tmp/bpfnet-drop-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	world->out = open_memstream(&world->lines, &world->size);
	assert_non_null(world->out);
	model_init(&world->model);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", world->dir);
	assert_int_equal(system(command), 0);
	model_free(&world->model);
	fclose(world->out);
	free(world->lines);
	free(world);
	return 0;
}

static void put(const struct world *world, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/net.d", world->dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s", world->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void keep_line(void *arg, const char *line)
{
	struct world *world = arg;

	/* Without the directory, which has another name each time. */
	assert_memory_equal(line, world->dir, strlen(world->dir));
	fprintf(world->out, "%s\n", line + strlen(world->dir) + 1);
}

static int read_file(struct world *world, const char *name)
{
	struct model model;
	char path[128];
	int rc;

	snprintf(path, sizeof(path), "%s/%s", world->dir, name);
	rc = config_read(path, keep_line, world, &model, NULL, &world->err);
	fflush(world->out);
	if (rc)
		return rc;
	model_free(&world->model);
	world->model = model;
	return 0;
}

static void must_read(struct world *world, const char *name)
{
	if (read_file(world, name))
		fail_msg("%s: %s", world->err.text, world->lines);
}

static void drop_ins_add_to_every_section(void **state)
{
	struct world *world = *state;

	put(world, "net.yaml", MAIN);
	put(world, "net.d/10-db.yaml",
	    "version: 1\n"
	    "flows: {udp: 20s}\n"
	    "networks: {back: {subnets: [192.168.20.0/24]}}\n"
	    "endpoints: {db: {networks: [back, front]}}\n"
	    "publish: ['8080 -> web:80']\n");
	put(world, "net.d/20-more.yaml",
	    "{\"version\": 1, \"publish\": [\"8081 -> db:81\"]}");

	must_read(world, "net.yaml");

	assert_non_null(model_find_network(&world->model, "front"));
	assert_non_null(model_find_network(&world->model, "back"));
	assert_int_equal(world->model.nendpoints, 3);
	assert_int_equal(world->model.npublishes, 2);
	assert_int_equal(world->model.settings.udp, 20);
	assert_int_equal(world->model.nrules, 1);
}

/* Of rules the first that matches decides, so no locale may order them. */
static void they_come_after_the_file_in_the_order_of_their_bytes(void **state)
{
	static const char *const order[] = { "first", "10", "9", "B", "a" };
	struct world *world = *state;

	put(world, "net.yaml", MAIN);
	for (size_t i = 4; i > 0; i--) {
		char name[32], text[128];

		snprintf(name, sizeof(name), "net.d/%s.yaml", order[i]);
		snprintf(text, sizeof(text),
			 "version: 1\npolicy:\n"
			 "  - {name: '%s', from: any, to: web, deny: true}\n",
			 order[i]);
		put(world, name, text);
	}

	must_read(world, "net.yaml");

	assert_int_equal(world->model.nrules, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(world->model.rules[i].name, order[i]);
}

static void other_files_of_the_directory_are_none(void **state)
{
	struct world *world = *state;

	put(world, "net.yaml", MAIN);
	put(world, "net.d/.hidden.yaml", "wrong");
	put(world, "net.d/.yaml", "wrong");
	put(world, "net.d/10-web.yaml~", "wrong");
	put(world, "net.d/README", "wrong");

	must_read(world, "net.yaml");
}

static void only_a_file_of_that_name_has_them(void **state)
{
	struct world *world = *state;

	put(world, "other.yaml", MAIN);
	put(world, "net", MAIN);
	put(world, "net.json", MAIN);
	put(world, "net.d/10-wrong.yaml", "wrong");
	put(world, "other.d", "a file, no directory");

	must_read(world, "other.yaml");
	must_read(world, "net");
	must_read(world, "net.json");
}

static void each_error_is_told_with_its_file(void **state)
{
	struct world *world = *state;

	put(world, "net.yaml", "version: 1\nnetwork: {}\n");
	put(world, "net.d/a.yaml", "networks: {front: {subnet: 1}}\n");
	put(world, "net.d/b.yaml", "");
	put(world, "net.d/c.yaml", "version: 1\npublish: {}\n");

	assert_int_equal(read_file(world, "net.yaml"), -EINVAL);

	assert_string_equal(world->lines,
			    "net.yaml:2:1: unknown key 'network' (did you mean "
			    "'networks'?)\n"
			    "net.d/a.yaml:1:1: missing key 'version' "
			    "(version: 1)\n"
			    "net.d/a.yaml:1:20: unknown key 'subnet' (did you "
			    "mean 'subnets'?)\n"
			    "net.d/b.yaml:1:1: the file is empty (version: "
			    "1)\n"
			    "net.d/c.yaml:2:10: expected a list, found a "
			    "mapping\n");
	assert_non_null(
		strstr(world->err.text, "net.yaml and its drop-ins: 5 errors"));
	assert_int_equal(world->err.exit, EXIT_USAGE);
}

static void broken_syntax_does_not_hide_that_of_others(void **state)
{
	struct world *world = *state;

	put(world, "net.yaml", MAIN);
	put(world, "net.d/a.yaml", "version: [\n");
	put(world, "net.d/b.yaml", "{\"version\": 1,}");

	assert_int_equal(read_file(world, "net.yaml"), -EINVAL);

	assert_non_null(strstr(world->lines, "net.d/a.yaml:2:1: "));
	assert_non_null(strstr(world->lines, "net.d/b.yaml:1:"));
}

static void object_of_two_files_is_told_with_both_places(void **state)
{
	struct world *world = *state;

	put(world, "net.yaml", MAIN);
	put(world, "net.d/a.yaml",
	    "version: 1\nendpoints:\n  db: {network: front}\n"
	    "  web: {network: front}\n");

	assert_int_equal(read_file(world, "net.yaml"), -EINVAL);

	assert_non_null(strstr(world->lines,
			       "net.d/a.yaml:4:3: duplicate key 'web', "
			       "first in /tmp/"));
	assert_non_null(strstr(world->lines, "/net.yaml:5\n"));
}

static void conflict_is_told_where_the_later_one_stands(void **state)
{
	struct world *world = *state;

	put(world, "net.yaml", MAIN "publish: ['80 -> web:80']\n");
	put(world, "net.d/a.yaml", "version: 1\npublish: ['80 -> web:81']\n");

	assert_int_equal(read_file(world, "net.yaml"), -EEXIST);

	assert_memory_equal(world->lines, "net.d/a.yaml:2:11: ",
			    strlen("net.d/a.yaml:2:11: "));
	assert_int_equal(world->err.exit, EXIT_CONFLICT);
}

static void section_is_of_one_kind(void **state)
{
	struct world *world = *state;

	put(world, "net.yaml", MAIN);
	put(world, "net.d/a.yaml", "version: 1\nnetworks: [back]\n");

	assert_int_equal(read_file(world, "net.yaml"), -EINVAL);

	assert_non_null(strstr(world->lines,
			       "net.d/a.yaml:2:11: 'networks' is a list here "
			       "and a mapping in /tmp/"));
}

static void section_may_be_empty_in_one_of_them(void **state)
{
	struct world *world = *state;

	put(world, "net.yaml", MAIN "publish:\n");
	put(world, "net.d/a.yaml",
	    "version: 1\nnetworks:\npublish: ['80 -> web:80']\n");
	put(world, "net.d/b.yaml", "version: 1\npublish:\n");

	must_read(world, "net.yaml");

	assert_int_equal(world->model.nnetworks, 1);
	assert_int_equal(world->model.npublishes, 1);
}

static void drop_in_that_cannot_be_read_fails(void **state)
{
	struct world *world = *state;
	char path[128];

	put(world, "net.yaml", MAIN);
	snprintf(path, sizeof(path), "%s/net.d/a.yaml", world->dir);
	put(world, "net.d/b.yaml", "version: 1\n");
	assert_int_equal(symlink("/nonexistent/file", path), 0);

	assert_int_equal(read_file(world, "net.yaml"), -ENOENT);

	assert_non_null(strstr(world->err.text, "net.d/a.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(drop_ins_add_to_every_section),
		TEST(they_come_after_the_file_in_the_order_of_their_bytes),
		TEST(other_files_of_the_directory_are_none),
		TEST(only_a_file_of_that_name_has_them),
		TEST(each_error_is_told_with_its_file),
		TEST(broken_syntax_does_not_hide_that_of_others),
		TEST(object_of_two_files_is_told_with_both_places),
		TEST(conflict_is_told_where_the_later_one_stands),
		TEST(section_is_of_one_kind),
		TEST(section_may_be_empty_in_one_of_them),
		TEST(drop_in_that_cannot_be_read_fails),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
