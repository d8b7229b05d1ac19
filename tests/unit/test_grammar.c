/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_grammar - lines of usage read, and whether commands keep to theirs */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/grammar.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define WORDS_MAX 24

/* The slots as text: "NAME dns=IP*", "a/b" for a choice. */
static void grammar_text(const char *line, char *ret, size_t size)
{
	struct grammar grammar;
	unsigned int choice = 0;
	size_t used = 0;

	if (grammar_parse(line, &grammar)) {
		snprintf(ret, size, "?");
		return;
	}
	for (size_t i = 0; i < grammar.count; i++) {
		const struct slot *slot = &grammar.slots[i];
		bool other = slot->choice && slot->choice == choice;

		used += snprintf(ret + used, size - used, "%s%s%s%s%s",
				 other ? "/" :
				 i     ? " " :
					 "",
				 slot->keyword,
				 slot->keyword[0] && slot->value[0] ? "=" : "",
				 slot->value, slot->repeat ? "*" : "");
		assert_true(used < size);
		choice = slot->choice;
	}
	if (grammar.ends_in_command)
		snprintf(ret + used, size - used, " --");
}

static void lines_are_read(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "NAME", "NAME" },
		{ "[NAME]", "NAME" },
		{ "NETNS NETWORK [ip IP]...", "NETNS NETWORK ip=IP*" },
		{ "[type bridge|p2p]", "type=bridge|p2p" },
		{ "from SEL to SEL", "from=SEL to=SEL" },
		{ "[internal] [log]", "internal log" },
		{ "allow|deny|reject [log]", "allow/deny/reject log" },
		{ "[before RULE|after RULE] [mtu N]",
		  "before=RULE/after=RULE mtu=N" },
		{ "[snat to IP|none]...", "snat=IP|none*" },
		{ "[port A[-B]]...", "port=A*" },
		{ "[HOSTIP:]PORT[-PORT][/tcp|udp] ENDPOINT[:PORT]",
		  "PORT ENDPOINT" },
		{ "-f FILE|- [--prune] NAME", "NAME" },
		{ "[all|drops] [-w SECONDS]", "all/drops" },
		{ "NETNS [--root DIR] -- COMMAND [WORD]...", "NETNS --" },
		{ "[NAME", "?" },
		{ "NAME  NAME", "?" },
		{ "[]", "?" },
	};
	char text[256] = "";

	(void)state;
	assert_int_equal(grammar_parse("", &(struct grammar){ 0 }), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		grammar_text(cases[i].line, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void every_command_can_be_read(void **state)
{
	struct grammar grammar;

	(void)state;
	for (const struct command *o = command_table; o->name; o++) {
		if (grammar_parse(o->args, &grammar))
			fail_msg("%s: %s", o->name, o->args);
		for (const struct command *c = o->sub; c && c->name; c++)
			if (grammar_parse(c->args, &grammar))
				fail_msg("%s %s: %s", o->name, c->name,
					 c->args);
	}
}

/* A word that stands for what the line of usage calls so. */
static const char *example_of(const char *keyword, const char *value)
{
	static const struct {
		const char *value, *example;
	} examples[] = {
		{ "A", "1" },
		{ "A-B", "10.0.0.1-10.0.0.9" },
		{ "CIDR", "10.0.0.0/24" },
		{ "ENDPOINT", "web" },
		{ "IFNAME", "eth9" },
		{ "IP", "10.0.0.1" },
		{ "MAC", "02:00:00:00:00:01" },
		{ "N", "1500" },
		{ "NAME", "x" },
		{ "NETNS", "web" },
		{ "NETWORK", "front" },
		{ "PORT", "80" },
		{ "RULE", "first" },
		{ "SEL", "any" },
	};

	if (islower((unsigned char)*value))
		return value;
	for (size_t i = 0; i < COUNT(examples); i++)
		if (!strcmp(examples[i].value, value))
			return examples[i].example;
	fail_msg("what is an example of '%s %s'?", keyword, value);
	return NULL;
}

/* What the command says to these words and one more that is no keyword. */
static void run_with(const struct command *command, const char *const *words,
		     size_t count, struct err *err)
{
	/* What follows the words would plan and do nothing. */
	struct cli cli = { .dry_run = true, .instance.name = "bn-test" };
	char *argv[WORDS_MAX];
	struct args args = { argv, 0, 0 };

	memset(err, 0, sizeof(*err));
	for (size_t i = 0; i < count; i++)
		argv[args.count++] = strdup(words[i]);
	argv[args.count++] = strdup("zzzzzz");
	assert_int_equal(command->run(&cli, &args, err), -EINVAL);
	for (int i = 0; i < args.count; i++)
		free(argv[i]);
}

static size_t positions(const struct grammar *grammar, const char **words)
{
	size_t count = 0;

	for (size_t i = 0; i < grammar->count; i++)
		if (!grammar->slots[i].keyword[0])
			words[count++] =
				example_of("", grammar->slots[i].value);
	return count;
}

static void assert_accepted(const struct command *command,
			    const struct grammar *grammar, const char *keyword,
			    const char *value)
{
	const char *words[WORDS_MAX];
	size_t count = positions(grammar, words);
	struct err err;

	words[count++] = keyword;
	if (*value)
		words[count++] = example_of(keyword, value);
	run_with(command, words, count, &err);
	if (strcmp(err.text, "unknown keyword 'zzzzzz'"))
		fail_msg("'%s %s %s': %s", command->name, keyword, value,
			 err.text);
}

/* Every value that usage shows for the keyword. */
static void assert_slot_is_true(const struct command *command,
				const struct grammar *grammar,
				const struct slot *slot)
{
	char values[sizeof(slot->value)], *save = NULL;

	if (!slot->value[0]) {
		assert_accepted(command, grammar, slot->keyword, "");
		return;
	}
	memcpy(values, slot->value, sizeof(values));
	for (char *value = strtok_r(values, "|", &save); value;
	     value = strtok_r(NULL, "|", &save))
		assert_accepted(command, grammar, slot->keyword, value);
}

static bool has_keyword(const struct grammar *grammar, const char *keyword)
{
	for (size_t i = 0; i < grammar->count; i++)
		if (!strcmp(grammar->slots[i].keyword, keyword))
			return true;
	return false;
}

/* Every keyword that the command knows is in its usage. */
static void assert_line_is_whole(const struct command *command,
				 const struct grammar *grammar)
{
	static const char known[] = "known: ";
	const char *words[WORDS_MAX];
	struct err err;
	char *save = NULL;

	run_with(command, words, positions(grammar, words), &err);
	assert_int_equal(strncmp(err.hint, known, strlen(known)), 0);
	for (char *word = strtok_r(err.hint + strlen(known), ", ", &save); word;
	     word = strtok_r(NULL, ", ", &save))
		if (!has_keyword(grammar, word))
			fail_msg("'%s' takes '%s', and usage does not tell",
				 command->name, word);
}

/* These look at what exists before they read their keywords, or have words of
 * another kind. */
static bool is_left_out(const struct command *object,
			const struct command *command)
{
	static const char *const names[] = { "network set", "policy default",
					     "stats stats" };
	char name[64];

	snprintf(name, sizeof(name), "%s %s", object->name, command->name);
	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static size_t check_command(const struct command *object,
			    const struct command *command)
{
	struct grammar grammar = { .count = 0 };
	size_t checked = 0;

	if (!command->run || is_left_out(object, command))
		return 0;
	assert_int_equal(grammar_parse(command->args, &grammar), 0);
	for (size_t i = 0; i < grammar.count; i++) {
		if (!grammar.slots[i].keyword[0])
			continue;
		assert_slot_is_true(command, &grammar, &grammar.slots[i]);
		checked++;
	}
	if (checked)
		assert_line_is_whole(command, &grammar);
	return checked;
}

static void commands_take_what_usage_tells(void **state)
{
	size_t checked = 0;

	(void)state;
	for (const struct command *o = command_table; o->name; o++) {
		checked += check_command(o, o);
		for (const struct command *c = o->sub; c && c->name; c++)
			checked += check_command(o, c);
	}
	assert_true(checked > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(every_command_can_be_read),
		cmocka_unit_test(commands_take_what_usage_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
