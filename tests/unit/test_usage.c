/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_usage - the command table, its prefixes, and the texts made from it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/usage.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The text of an object's usage, or of all with NULL; to be freed. */
static char *usage_text(const struct command *object)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (object)
		usage_print_object(object, out);
	else
		usage_print(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_no_long_line(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		assert_in_range(len, 0, 80);
		text += len + (text[len] != '\0');
	}
}

static void every_command_has_a_usage_line(void **state)
{
	char line[64];

	(void)state;
	for (const struct command *o = command_table; o->name; o++) {
		char *text;

		if (!command_is_available(o))
			continue;
		text = usage_text(o);
		assert_no_long_line(text);
		snprintf(line, sizeof(line), "  bpfnet %s", o->name);
		assert_non_null(strstr(text, line));
		for (const struct command *c = o->sub; c && c->name; c++) {
			snprintf(line, sizeof(line), "\n  bpfnet %s %s%s",
				 o->name, c->name, *c->args ? " " : "\n");
			if (command_is_available(c))
				assert_non_null(strstr(text, line));
			else
				assert_null(strstr(text, line));
		}
		free(text);
	}
}

static void assert_command_is_explained(const struct command *object,
					const struct command *command)
{
	char *text = NULL, line[64];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	usage_print_command(object, command, out);
	assert_int_equal(fclose(out), 0);

	assert_no_long_line(text);
	snprintf(line, sizeof(line), "usage:\n  bpfnet %s %s", object->name,
		 command == object ? "" : command->name);
	assert_int_equal(strncmp(text, line, strlen(line) - 1), 0);
	assert_non_null(strstr(text, command->help));
	if (command->alias)
		assert_non_null(strstr(text, command->alias));
	for (const struct option_def *d = option_table; d->name; d++) {
		snprintf(line, sizeof(line), "--%s ", d->name);
		if (command->options & d->local)
			assert_non_null(strstr(text, line));
		else
			assert_null(strstr(text, line));
	}
	free(text);
}

static void single_commands_are_explained(void **state)
{
	(void)state;
	for (const struct command *o = command_table; o->name; o++) {
		if (o->run)
			assert_command_is_explained(o, o);
		for (const struct command *c = o->sub; c && c->name; c++)
			if (c->run)
				assert_command_is_explained(o, c);
	}
}

static void words_in_brackets_stay_together(void **state)
{
	static const struct command object = {
		"object",
		NULL,
		"[one two three four] [five six seven eight] [nine ten eleven "
		"twelve] end",
		"text",
		0,
		false,
		cmd_help,
		NULL
	};
	char *text = usage_text(&object);

	(void)state;
	assert_non_null(strstr(text,
			       "  bpfnet object [one two three four] "
			       "[five six seven eight]\n"
			       "           [nine ten eleven twelve] end\n"));
	free(text);
}

static void every_object_is_in_the_overview(void **state)
{
	char *text = usage_text(NULL);
	char line[32];

	(void)state;
	assert_no_long_line(text);
	for (const struct command *o = command_table; o->name; o++) {
		snprintf(line, sizeof(line), "\n  %s ", o->name);
		if (command_is_available(o))
			assert_non_null(strstr(text, line));
		else
			assert_null(strstr(text, line));
	}
	free(text);
}

static void every_option_is_shown_where_it_is_taken(void **state)
{
	char *overview = usage_text(NULL);
	char line[32];

	(void)state;
	for (const struct option_def *d = option_table; d->name; d++) {
		snprintf(line, sizeof(line), "--%s ", d->name);
		if (d->local)
			assert_null(strstr(overview, line));
		else
			assert_non_null(strstr(overview, line));

		for (const struct command *o = command_table; o->name; o++) {
			char *text = usage_text(o);

			if (o->options & d->local)
				assert_non_null(strstr(text, line));
			free(text);
		}
	}
	free(overview);
}

static void check_help(const struct command *command)
{
	if (!command_is_available(command))
		return;
	assert_non_null(command->args);
	assert_true(command->help && *command->help);
	assert_false(isupper((unsigned char)*command->help));
	assert_false(command->run && command->sub);
}

static void every_command_has_help_and_one_meaning(void **state)
{
	(void)state;
	for (const struct command *o = command_table; o->name; o++) {
		check_help(o);
		for (const struct command *c = o->sub; c && c->name; c++)
			check_help(c);
	}
}

static void full_names_find_themselves(void **state)
{
	const struct command *found;
	struct err err;

	(void)state;
	for (const struct command *o = command_table; o->name; o++) {
		int rc = command_find(command_table, o->name, "object", &found,
				      &err);

		if (!command_is_available(o)) {
			assert_int_equal(rc, -EINVAL);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_ptr_equal(found, o);
		for (const struct command *c = o->sub; c && c->name; c++) {
			if (!command_is_available(c))
				continue;
			assert_int_equal(command_find(o->sub, c->name,
						      "command", &found, &err),
					 0);
			assert_ptr_equal(found, c);
		}
	}
}

static const struct command *find_object(const char *word, struct err *err)
{
	const struct command *found = NULL;

	memset(err, 0, sizeof(*err));
	return command_find(command_table, word, "object", &found, err) ? NULL :
									  found;
}

static void unique_prefixes_and_aliases_are_accepted(void **state)
{
	static const struct {
		const char *object, *command, *full_object, *full_command;
	} cases[] = {
		{ "netn", "l", "netns", "list" },
		{ "netw", "sh", "network", "show" },
		{ "net", "rm", "network", "del" },
		{ "ep", "ls", "endpoint", "list" },
		{ "end", "a", "endpoint", "attach" },
		{ "port", "show", "port", "list" },
		{ "pol", "def", "policy", "default" },
		{ "up", "delete", "uplink", "del" },
		{ "fl", "c", "flow", "count" },
		{ "ag", "s", "agent", "status" },
	};
	const struct command *object, *command;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		object = find_object(cases[i].object, &err);
		assert_non_null(object);
		assert_string_equal(object->name, cases[i].full_object);
		assert_int_equal(command_find(object->sub, cases[i].command,
					      "command", &command, &err),
				 0);
		assert_string_equal(command->name, cases[i].full_command);
	}
}

static void ambiguous_prefix_names_the_candidates(void **state)
{
	struct err err;

	(void)state;
	assert_null(find_object("ne", &err));
	assert_string_equal(err.text, "'ne' is ambiguous: netns, network");
	assert_int_equal(err.exit, EXIT_USAGE);
	assert_null(find_object("p", &err));
	assert_string_equal(err.text, "'p' is ambiguous: port, policy, purge");
}

static void unknown_words_get_a_suggestion(void **state)
{
	struct err err;

	(void)state;
	assert_null(find_object("polcy", &err));
	assert_string_equal(err.text, "unknown object 'polcy'");
	assert_string_equal(err.hint, "did you mean 'policy'?");
	assert_int_equal(err.exit, EXIT_USAGE);
	assert_null(find_object("zebra", &err));
	assert_string_equal(err.hint, "");
	assert_null(find_object("", &err));
	assert_string_equal(err.text, "unknown object ''");
}

static void commands_to_come_say_so(void **state)
{
	static const struct command table[] = {
		{ "now", NULL, "", "is there", 0, false, cmd_help, NULL },
		{ "soon", NULL, "", "", 0, false, NULL, NULL },
		{ 0 },
	};
	const struct command *found;
	struct err err;

	(void)state;
	assert_int_equal(command_find(table, "soon", "object", &found, &err),
			 -EINVAL);
	assert_string_equal(err.text, "soon: not available in this version");
	assert_int_equal(err.exit, EXIT_USAGE);
	/* No prefix means one: the next version may add others. */
	assert_int_equal(command_find(table, "soo", "object", &found, &err),
			 -EINVAL);
	assert_string_equal(err.text, "unknown object 'soo'");
}

static int parse_options(const char *const *words, struct cli *cli, int *first,
			 char **argv, struct err *err)
{
	int argc = 0;

	memset(cli, 0, sizeof(*cli));
	memset(err, 0, sizeof(*err));
	unsetenv("BPFNET_INSTANCE");
	unsetenv("BPFNET_CGROUP");
	unsetenv("BPFNET_ATTACH");
	argv[argc++] = strdup("bpfnet");
	while (*words)
		argv[argc++] = strdup(*words++);
	argv[argc] = NULL;
	return options_parse(argc, argv, cli, first, err);
}

static void free_words(char **argv)
{
	for (; *argv; argv++)
		free(*argv);
}

static void options_may_stand_anywhere_before_two_dashes(void **state)
{
	static const char *const words[] = { "-j",	   "exec", "web",
					     "--instance", "x",	   "--",
					     "ls",	   "-n",   NULL };
	char *argv[16];
	struct cli cli;
	struct err err;
	int first = 0;

	(void)state;
	assert_int_equal(parse_options(words, &cli, &first, argv, &err), 0);

	assert_true(cli.json);
	assert_false(cli.dry_run);
	assert_string_equal(cli.instance.name, "x");
	assert_string_equal(argv[first], "exec");
	assert_string_equal(argv[first + 1], "web");
	assert_string_equal(argv[first + 2], "ls");
	assert_string_equal(argv[first + 3], "-n");
	assert_null(argv[first + 4]);
	free_words(argv);
}

static void wrong_options_are_explained(void **state)
{
	static const struct {
		const char *words[4], *text, *hint;
	} cases[] = {
		{ { "--jsn" },
		  "unknown option '--jsn'",
		  "did you mean '--json'?" },
		{ { "-jz" }, "unknown option '-z'", "" },
		{ { "apply", "-f" }, "option '-f' needs a value", "" },
		{ { "--instance", "a/b" },
		  "--instance: 'a/b' is not a name",
		  "" },
		{ { "--color", "red" },
		  "--color: 'red' is not auto, always or never",
		  "" },
		{ { "-w", "0" }, "--watch: needs at least 1 second", "" },
		{ { "--confirm", "1w" },
		  "--confirm: '1w' is not a time",
		  "e.g. 30s, 5m" },
		{ { "--confirm", "0s" },
		  "--confirm: at least 1s, at most 1d",
		  "" },
		{ { "--confirm", "25h" },
		  "--confirm: at least 1s, at most 1d",
		  "" },
	};
	char *argv[16];
	struct cli cli;
	struct err err;
	int first;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
			parse_options(cases[i].words, &cli, &first, argv, &err),
			-EINVAL);
		assert_string_equal(err.text, cases[i].text);
		assert_string_equal(err.hint, cases[i].hint);
		free_words(argv);
	}
}

static void confirmation_has_its_time(void **state)
{
	static const struct {
		const char *words[4];
		__u32 seconds;
	} cases[] = {
		{ { "apply" }, 0 },
		{ { "apply", "--confirm", "90" }, 90 },
		{ { "apply", "--confirm=2m" }, 120 },
		{ { "apply", "--confirm", "1d" }, 86400 },
	};
	char *argv[16];
	struct cli cli;
	struct err err;
	int first;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
			parse_options(cases[i].words, &cli, &first, argv, &err),
			0);
		assert_int_equal(cli.confirm_seconds, cases[i].seconds);
		free_words(argv);
	}
}

static void foreign_options_are_refused(void **state)
{
	static const char *const words[] = { "netns", "list", "--prune", NULL };
	char *argv[16];
	struct cli cli;
	struct err err;
	int first;

	(void)state;
	assert_int_equal(parse_options(words, &cli, &first, argv, &err), 0);

	assert_int_equal(options_check(&cli, OPTION_PRUNE, &err), 0);
	assert_int_equal(options_check(&cli, OPTION_FILE, &err), -EINVAL);
	assert_string_equal(err.text,
			    "option '--prune' is not for this command");
	free_words(argv);
}

static void environment_gives_defaults(void **state)
{
	char name[] = "bpfnet", *argv[] = { name, NULL };
	struct cli cli = { .json = false };
	struct err err;
	int first;

	(void)state;
	setenv("BPFNET_INSTANCE", "lab", 1);
	setenv("BPFNET_CGROUP", "/sys/fs/cgroup/x", 1);
	setenv("BPFNET_ATTACH", "clsact", 1);
	assert_int_equal(options_parse(1, argv, &cli, &first, &err), 0);
	assert_string_equal(cli.instance.name, "lab");
	assert_string_equal(cli.instance.cgroup, "/sys/fs/cgroup/x");
	assert_true(cli.instance.force_clsact);

	setenv("BPFNET_INSTANCE", "a/b", 1);
	assert_int_equal(options_parse(1, argv, &cli, &first, &err), -EINVAL);
	assert_string_equal(err.text, "BPFNET_INSTANCE: 'a/b' is not a name");
	unsetenv("BPFNET_INSTANCE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_has_a_usage_line),
		cmocka_unit_test(single_commands_are_explained),
		cmocka_unit_test(words_in_brackets_stay_together),
		cmocka_unit_test(every_object_is_in_the_overview),
		cmocka_unit_test(every_option_is_shown_where_it_is_taken),
		cmocka_unit_test(every_command_has_help_and_one_meaning),
		cmocka_unit_test(full_names_find_themselves),
		cmocka_unit_test(unique_prefixes_and_aliases_are_accepted),
		cmocka_unit_test(ambiguous_prefix_names_the_candidates),
		cmocka_unit_test(unknown_words_get_a_suggestion),
		cmocka_unit_test(commands_to_come_say_so),
		cmocka_unit_test(options_may_stand_anywhere_before_two_dashes),
		cmocka_unit_test(wrong_options_are_explained),
		cmocka_unit_test(confirmation_has_its_time),
		cmocka_unit_test(foreign_options_are_refused),
		cmocka_unit_test(environment_gives_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
