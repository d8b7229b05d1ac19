/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_manual - whether the manual pages say what the program does */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpfnet/limits.h>
#include <bpfnet/reasons.h>

#include "cli/command.h"
#include "cli/options.h"
#include "config/config.h"
#include "lib/file.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define PAGE_COMMANDS "man/bpfnet.8.scd"
#define PAGE_FILE "man/bpfnet.yaml.5.scd"
#define PAGE_DATAPATH "man/bpfnet-datapath.7.scd"
#define LINE_MAX_LEN 1024

/* A page's source; to be freed. */
static char *page_read(const char *path)
{
	char *text = NULL;
	struct err err = { 0 };
	size_t len;

	if (file_read(path, &text, &len, &err))
		fail_msg("%s", err.text);
	return text;
}

/* Without its markup; what we compare has none of these characters. */
static void strip(const char *line, size_t len, char ret[LINE_MAX_LEN])
{
	size_t used = 0;

	assert_true(len < LINE_MAX_LEN);
	for (size_t i = 0; i < len; i++)
		if (!strchr("*_\\", line[i]))
			ret[used++] = line[i];
	ret[used] = '\0';
}

/* Calls visit for every entry that begins with start: a line with an explanation
 * behind it, which is indented. */
static void each_entry(const char *page, const char *start,
		       void (*visit)(const char *line, void *arg), void *arg)
{
	char plain[LINE_MAX_LEN];

	for (const char *at = page; *at;) {
		size_t len = strcspn(at, "\n");

		if (!strncmp(at, start, strlen(start)) &&
		    !strncmp(at + len, "\n\t", 2)) {
			strip(at, len, plain);
			visit(plain, arg);
		}
		at += len + (at[len] == '\n');
	}
}

struct search {
	const char *wanted;
	int found;
};

static void on_entry(const char *line, void *arg)
{
	struct search *search = arg;

	search->found += !strcmp(line, search->wanted);
}

static int count_entries(const char *page, const char *start,
			 const char *wanted)
{
	struct search search = { wanted, 0 };

	each_entry(page, start, on_entry, &search);
	return search.found;
}

/* "bpfnet netns add NAME [dns IP]..." */
static void command_line(const struct command *object,
			 const struct command *command, char ret[LINE_MAX_LEN])
{
	snprintf(ret, LINE_MAX_LEN, "bpfnet %s%s%s%s%s", object->name,
		 command == object ? "" : " ",
		 command == object ? "" : command->name,
		 *command->args ? " " : "", command->args);
}

static void assert_documented(const char *page, const struct command *object,
			      const struct command *command)
{
	char line[LINE_MAX_LEN];

	if (!command->run)
		return;
	command_line(object, command, line);
	if (count_entries(page, "*bpfnet ", line) != 1)
		fail_msg(PAGE_COMMANDS " does not have, or not once:\n%s",
			 line);
}

static void every_command_is_explained(void **state)
{
	char *page = page_read(PAGE_COMMANDS);

	(void)state;
	for (const struct command *o = command_table; o->name; o++) {
		assert_documented(page, o, o);
		for (const struct command *c = o->sub; c && c->name; c++)
			assert_documented(page, o, c);
	}
	free(page);
}

static bool is_command(const char *line)
{
	char known[LINE_MAX_LEN];

	for (const struct command *o = command_table; o->name; o++) {
		command_line(o, o, known);
		if (o->run && !strcmp(line, known))
			return true;
		for (const struct command *c = o->sub; c && c->name; c++) {
			command_line(o, c, known);
			if (c->run && !strcmp(line, known))
				return true;
		}
	}
	return false;
}

static void assert_is_command(const char *line, void *arg)
{
	(void)arg;
	if (!is_command(line))
		fail_msg(PAGE_COMMANDS " has an unknown command:\n%s", line);
}

static void no_command_is_of_another_version(void **state)
{
	char *page = page_read(PAGE_COMMANDS);

	(void)state;
	each_entry(page, "*bpfnet ", assert_is_command, NULL);
	free(page);
}

/* "-o, --columns A,B" */
static void option_entry(const struct option_def *def, char ret[LINE_MAX_LEN])
{
	char letter[] = "-?, ";

	letter[1] = (char)def->letter;
	snprintf(ret, LINE_MAX_LEN, "%s--%s%s%s", def->letter ? letter : "",
		 def->name, def->value ? " " : "",
		 def->value ? def->value : "");
}

static void assert_is_option(const char *line, void *arg)
{
	char known[LINE_MAX_LEN];

	(void)arg;
	for (const struct option_def *d = option_table; d->name; d++) {
		option_entry(d, known);
		if (!strcmp(line, known))
			return;
	}
	fail_msg(PAGE_COMMANDS " has an unknown option:\n%s", line);
}

static void options_are_those_of_the_program(void **state)
{
	char *page = page_read(PAGE_COMMANDS), line[LINE_MAX_LEN];

	(void)state;
	for (const struct option_def *d = option_table; d->name; d++) {
		option_entry(d, line);
		if (count_entries(page, "*-", line) != 1)
			fail_msg(PAGE_COMMANDS
				 " does not have, or not once:\n%s",
				 line);
	}
	each_entry(page, "*-", assert_is_option, NULL);
	free(page);
}

#define REASON_LABEL(name, label, text) [REASON_##name] = label,
#define REASON_TEXT(name, label, text) [REASON_##name] = text,
static const char *const labels[] = { REASONS(REASON_LABEL) };
static const char *const texts[] = { REASONS(REASON_TEXT) };

static void every_reason_is_explained(void **state)
{
	char *page = page_read(PAGE_DATAPATH), entry[LINE_MAX_LEN];

	(void)state;
	for (int why = REASON_FORWARDED; why < REASON_COUNT; why++) {
		snprintf(entry, sizeof(entry), "\n*%s*\n\t%s\n", labels[why],
			 texts[why]);
		if (!strstr(page, entry))
			fail_msg(PAGE_DATAPATH " does not have:%s", entry);
	}
	free(page);
}

static void assert_is_reason(const char *line, void *arg)
{
	(void)arg;
	for (int why = REASON_FORWARDED; why < REASON_COUNT; why++)
		if (!strcmp(line, labels[why]))
			return;
	fail_msg(PAGE_DATAPATH " has an unknown reason: %s", line);
}

static void no_reason_is_of_another_version(void **state)
{
	char *page = page_read(PAGE_DATAPATH);
	char *start = strstr(page, "\n# REASONS\n"), *end;

	(void)state;
	assert_non_null(start);
	end = strstr(start + 1, "\n# ");
	assert_non_null(end);
	*end = '\0';
	each_entry(start, "*", assert_is_reason, NULL);
	free(page);
}

/* 10239 is written 10,239. */
static void grouped(unsigned long number, char ret[32])
{
	char digits[32];
	size_t len, used = 0;

	snprintf(digits, sizeof(digits), "%lu", number);
	len = strlen(digits);
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			ret[used++] = ',';
		ret[used++] = digits[i];
	}
	ret[used] = '\0';
}

static void limits_are_those_of_the_program(void **state)
{
	static const struct {
		unsigned long number;
		const char *what;
	} limits[] = {
		{ ENDPOINTS_MAX - 1, " endpoints" },
		{ ENDPOINT_ADDRS_MAX, " addresses each" },
		{ NETWORKS_MAX - 1, " networks" },
		{ UPLINKS_MAX, " uplinks" },
		{ PUBLISH_MAX - 1, " published ports" },
		{ PUBLISH_FROM_MAX, " prefixes of clients" },
		{ RULES_MAX - 1, " rules" },
		{ RULE_PORTS_MAX, " ranges of ports" },
		{ FLOWS_MAX_DEFAULT, ", and " },
		{ FLOWS_PER_ENDPOINT_DEFAULT, " of them for one" },
		{ FRAGMENTS_MAX, " fragmented packets" },
		{ ANSWERS_PER_TICK, " answers" },
		{ EVENTS_PER_TICK, " logged" },
		{ SNAT_PROBES_MAX, " ports the packet is" },
	};
	char *page = page_read(PAGE_DATAPATH), phrase[96], number[32];

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		grouped(limits[i].number, number);
		snprintf(phrase, sizeof(phrase), "%s%s", number,
			 limits[i].what);
		if (!strstr(page, phrase))
			fail_msg(PAGE_DATAPATH " does not say '%s'", phrase);
	}
	free(page);
}

static void defaults_are_those_of_the_program(void **state)
{
	struct model model;
	const struct settings *s = &model.settings;
	char *page = page_read(PAGE_FILE), line[128];

	(void)state;
	model_init(&model);
	const struct {
		const char *key, *type;
		__u32 value;
		const char *unit;
	} defaults[] = {
		{ "max", "number", s->flows_max, "" },
		{ "per_endpoint", "number", s->flows_per_endpoint, "" },
		{ "tcp_established", "time", s->tcp_established, "s" },
		{ "tcp_half_open", "time", s->tcp_half_open, "s" },
		{ "tcp_closing", "time", s->tcp_closing, "s" },
		{ "tcp_reset", "time", s->tcp_reset, "s" },
		{ "udp", "time", s->udp, "s" },
		{ "udp_stream", "time", s->udp_stream, "s" },
		{ "icmp", "time", s->icmp, "s" },
		{ "other", "time", s->other, "s" },
	};

	for (size_t i = 0; i < COUNT(defaults); i++) {
		snprintf(line, sizeof(line), "\n*%s* _%s_, default %u%s\n",
			 defaults[i].key, defaults[i].type, defaults[i].value,
			 defaults[i].unit);
		if (!strstr(page, line))
			fail_msg(PAGE_FILE " does not have:%s", line);
	}
	model_free(&model);
	free(page);
}

static void print_finding(void *arg, const char *line)
{
	(void)arg;
	print_error("%s\n", line);
}

static void examples_are_accepted(void **state)
{
	static const char fence[] = "```\nversion: 1\n";
	char *page = page_read(PAGE_FILE);
	int count = 0;

	(void)state;
	for (char *at = page; (at = strstr(at, fence)); count++) {
		struct model model;
		struct err err = { 0 };
		char *end;

		at += strlen("```\n");
		end = strstr(at, "```\n");
		assert_non_null(end);
		if (config_parse("example", at, (size_t)(end - at),
				 print_finding, NULL, &model, &err))
			fail_msg("%s", err.text);
		assert_true(model.npublishes > 0);
		model_free(&model);
		at = end;
	}
	assert_int_equal(count, 2);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_explained),
		cmocka_unit_test(no_command_is_of_another_version),
		cmocka_unit_test(options_are_those_of_the_program),
		cmocka_unit_test(every_reason_is_explained),
		cmocka_unit_test(no_reason_is_of_another_version),
		cmocka_unit_test(limits_are_those_of_the_program),
		cmocka_unit_test(defaults_are_those_of_the_program),
		cmocka_unit_test(examples_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
