/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_conf_golden - each tests/conf/NAME.in makes its NAME.ok or NAME.err */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "lib/cleanup.h"
#include "lib/file.h"
#include "model/fill.h"

#define CONF_DIR "tests/conf"

/*
 * NAME.ok holds what config_print says about the filled model, NAME.err the
 * findings and the summary. Messages name the file as NAME.in, without its
 * directory. To accept what the program says now, look at the difference and
 * run this with BPFNET_CONF_ACCEPT=1.
 */

static void on_line(void *arg, const char *line)
{
	fprintf(arg, "%s\n", line);
}

/* What the program makes of the file; *ret_ok says under which name. */
static char *outcome(const char *path, bool *ret_ok)
{
	_cleanup_free_ char *text = NULL;
	const char *name = strrchr(path, '/') + 1;
	struct model model, none;
	struct err err = {};
	char *result = NULL;
	size_t len, size;
	FILE *out;

	if (file_read(path, &text, &len, &err))
		fail_msg("%s", err.text);
	out = open_memstream(&result, &size);
	assert_non_null(out);
	*ret_ok = !config_parse(name, text, len, on_line, out, &model, &err);
	if (*ret_ok) {
		model_init(&none);
		if (model_fill(&model, &none, &err))
			fail_msg("%s: %s", name, err.text);
		config_print(&model, out);
		model_free(&model);
	} else {
		fprintf(out, "exit %d: %s\n", err.exit, err.text);
	}
	fclose(out);
	return result;
}

static void compare(const char *in)
{
	_cleanup_free_ char *result = NULL;
	_cleanup_free_ char *expected = NULL;
	char path[256];
	struct err err;
	size_t len;
	bool ok;

	result = outcome(in, &ok);
	snprintf(path, sizeof(path), "%.*s%s", (int)(strlen(in) - 3), in,
		 ok ? ".ok" : ".err");
	if (getenv("BPFNET_CONF_ACCEPT"))
		assert_int_equal(
			file_write_atomic(path, result, strlen(result), &err),
			0);
	if (file_read(path, &expected, &len, &err))
		fail_msg("%s\nbut the outcome was:\n%s", err.text, result);
	if (strcmp(result, expected))
		fail_msg("%s differs; the outcome was:\n%s", path, result);

	/* One left over from another outcome would never be compared again. */
	snprintf(path, sizeof(path), "%.*s%s", (int)(strlen(in) - 3), in,
		 ok ? ".err" : ".ok");
	if (!access(path, F_OK))
		fail_msg("%s is not what becomes of the file any more", path);
}

static void file_makes_its_outcome(void **state)
{
	compare(*state);
}

int main(void)
{
	struct CMUnitTest *tests;
	glob_t in;
	int r;

	if (glob(CONF_DIR "/*.in", 0, NULL, &in)) {
		fprintf(stderr, "no %s/*.in here\n", CONF_DIR);
		return 1;
	}
	tests = calloc(in.gl_pathc, sizeof(*tests));
	if (!tests)
		return 1;
	for (size_t i = 0; i < in.gl_pathc; i++)
		tests[i] = (struct CMUnitTest){
			.name = in.gl_pathv[i],
			.test_func = file_makes_its_outcome,
			.initial_state = in.gl_pathv[i],
		};
	r = _cmocka_run_group_tests("conf", tests, in.gl_pathc, NULL, NULL);
	free(tests);
	globfree(&in);
	return r;
}
