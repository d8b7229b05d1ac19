/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_help - every way to ask the program what it can do */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

#define WORDS_MAX 8
#define TEXT_MAX 8192

/* What the program wrote to its descriptors. */
struct said {
	int exit;
	char out[TEXT_MAX], err[TEXT_MAX];
};

/* A file that takes the place of a descriptor. */
struct diversion {
	int fd, saved;
	FILE *file;
};

static void divert(struct diversion *diversion, int fd)
{
	diversion->fd = fd;
	diversion->file = tmpfile();
	assert_non_null(diversion->file);
	fflush(NULL);
	diversion->saved = dup(fd);
	assert_true(dup2(fileno(diversion->file), fd) == fd);
}

static void divert_end(struct diversion *diversion, char text[TEXT_MAX])
{
	size_t len;

	fflush(NULL);
	dup2(diversion->saved, diversion->fd);
	close(diversion->saved);
	rewind(diversion->file);
	len = fread(text, 1, TEXT_MAX - 1, diversion->file);
	text[len] = '\0';
	fclose(diversion->file);
}

/* Runs the program with the words of a line, which blanks separate. */
static void run(const char *line, struct said *ret)
{
	char text[256], *argv[WORDS_MAX + 1] = { NULL }, *save = NULL;
	struct diversion out, err;
	int argc = 0;

	snprintf(text, sizeof(text), "bpfnet %s", line);
	for (char *word = strtok_r(text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < WORDS_MAX);
		argv[argc++] = word;
	}
	divert(&out, STDOUT_FILENO);
	divert(&err, STDERR_FILENO);
	ret->exit = cli_main(argc, argv);
	divert_end(&err, ret->err);
	divert_end(&out, ret->out);
}

static void assert_explains(const char *line, const char *what)
{
	struct said said;

	run(line, &said);
	if (said.exit || said.err[0] || strncmp(said.out, "usage:", 6) ||
	    !strstr(said.out, what))
		fail_msg("bpfnet %s: exit %d, does not explain '%s':\n%s%s",
			 line, said.exit, what, said.out, said.err);
}

static void overview_is_shown_on_request(void **state)
{
	(void)state;
	assert_explains("-h", "\nobjects:\n");
	assert_explains("--help", "\nobjects:\n");
	assert_explains("help", "\nobjects:\n");
	assert_explains("hel", "\nobjects:\n");
}

static void every_object_is_explained_on_request(void **state)
{
	char line[64], what[64];

	(void)state;
	for (const struct command *o = command_table; o->name; o++) {
		if (!command_is_available(o))
			continue;
		snprintf(what, sizeof(what), "  bpfnet %s", o->name);
		snprintf(line, sizeof(line), "%s --help", o->name);
		assert_explains(line, what);
		snprintf(line, sizeof(line), "-h %s", o->name);
		assert_explains(line, what);
		snprintf(line, sizeof(line), "help %s", o->name);
		assert_explains(line, what);
		/* Help about help is the overview. */
		if (!strcmp(o->name, "help"))
			continue;
		snprintf(line, sizeof(line), "%s help", o->name);
		assert_explains(line, what);
	}
}

static void every_command_is_explained_on_request(void **state)
{
	static const char *const ways[] = { "%s %s -h", "%s %s --help",
					    "%s %s help", "help %s %s",
					    "--help %s %s" };
	char line[64], what[64];

	(void)state;
	for (const struct command *o = command_table; o->name; o++)
		for (const struct command *c = o->sub; c && c->name; c++) {
			if (!c->run)
				continue;
			snprintf(what, sizeof(what), "usage:\n  bpfnet %s %s",
				 o->name, c->name);
			for (size_t i = 0; i < sizeof(ways) / sizeof(*ways);
			     i++) {
				snprintf(line, sizeof(line), ways[i], o->name,
					 c->name);
				assert_explains(line, what);
			}
		}
}

static void assert_refused(const char *line, const char *text)
{
	struct said said;

	run(line, &said);
	assert_int_equal(said.exit, EXIT_USAGE);
	assert_string_equal(said.out, "");
	assert_string_equal(said.err, text);
}

static void unknown_words_lead_to_the_help(void **state)
{
	(void)state;
	assert_refused("frobnicate", "bpfnet: unknown object 'frobnicate' "
				     "(see 'bpfnet help')\n");
	assert_refused("netwrok add x", "bpfnet: unknown object 'netwrok' "
					"(did you mean 'network'?)\n");
	assert_refused("network frobnicate",
		       "bpfnet: network: unknown command 'frobnicate' "
		       "(see 'bpfnet network help')\n");
	assert_refused("network lsit",
		       "bpfnet: network: unknown command 'lsit' "
		       "(did you mean 'list'?)\n");
	assert_refused("help frobnicate",
		       "bpfnet: help: unknown object 'frobnicate' "
		       "(see 'bpfnet help')\n");
	assert_refused("help network frobnicate",
		       "bpfnet: help: network: unknown command 'frobnicate' "
		       "(see 'bpfnet network help')\n");
}

static void missing_words_get_the_usage_as_an_error(void **state)
{
	struct said said;

	(void)state;
	run("", &said);
	assert_int_equal(said.exit, EXIT_USAGE);
	assert_string_equal(said.out, "");
	assert_non_null(strstr(said.err, "\nobjects:\n"));

	run("network", &said);
	assert_int_equal(said.exit, EXIT_USAGE);
	assert_string_equal(said.out, "");
	assert_non_null(strstr(said.err, "bpfnet network add"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overview_is_shown_on_request),
		cmocka_unit_test(every_object_is_explained_on_request),
		cmocka_unit_test(every_command_is_explained_on_request),
		cmocka_unit_test(unknown_words_lead_to_the_help),
		cmocka_unit_test(missing_words_get_the_usage_as_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
