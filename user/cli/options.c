/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* options - the words that begin with a dash: one table, parsed into cli */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/suggest.h"
#include "lib/units.h"

#define OPTIONS_MAX 32
#define CONFIRM_MAX 86400 /* seconds */
#define LONG_ONLY 256 /* getopt value of option_table[0]'s long form */

#define OPTION_FLAG(field)                                         \
	static int set_##field(struct cli *cli, const char *value, \
			       struct err *err)                    \
	{                                                          \
		(void)value;                                       \
		(void)err;                                         \
		cli->field = true;                                 \
		return 0;                                          \
	}

#define OPTION_TEXT(field)                                         \
	static int set_##field(struct cli *cli, const char *value, \
			       struct err *err)                    \
	{                                                          \
		if (!*value)                                       \
			return err_usage(err, "is empty");         \
		cli->field = value;                                \
		return 0;                                          \
	}

OPTION_FLAG(json)
OPTION_FLAG(pretty)
OPTION_FLAG(dry_run)
OPTION_FLAG(quiet)
OPTION_FLAG(help)
OPTION_FLAG(version)
OPTION_FLAG(prune)
OPTION_FLAG(fix)
OPTION_FLAG(drop_flows)
OPTION_TEXT(columns)
OPTION_TEXT(file)
OPTION_TEXT(root)

static int set_verbose(struct cli *cli, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	cli->verbose++;
	return 0;
}

static int set_instance(struct cli *cli, const char *value, struct err *err)
{
	if (!name_is_valid(value))
		return err_usage(err, "'%s' is not a name", value);
	cli->instance.name = value;
	return 0;
}

static int set_cgroup(struct cli *cli, const char *value, struct err *err)
{
	if (*value != '/')
		return err_usage(err, "'%s' is not an absolute path", value);
	cli->instance.cgroup = value;
	return 0;
}

static int set_color(struct cli *cli, const char *value, struct err *err)
{
	static const char *const modes[] = {
		[COLOR_AUTO] = "auto",
		[COLOR_ALWAYS] = "always",
		[COLOR_NEVER] = "never",
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(modes[i], value)) {
			cli->color = i;
			return 0;
		}
	return err_usage(err, "'%s' is not auto, always or never", value);
}

static int set_watch(struct cli *cli, const char *value, struct err *err)
{
	if (arg_unsigned(value, &cli->watch_seconds, err))
		return -EINVAL;
	if (!cli->watch_seconds)
		return err_usage(err, "needs at least 1 second");
	return 0;
}

static int set_confirm(struct cli *cli, const char *value, struct err *err)
{
	if (!seconds_parse(value, &cli->confirm_seconds)) {
		err_usage(err, "'%s' is not a time", value);
		err_hint(err, "e.g. 30s, 5m");
		return -EINVAL;
	}
	if (!cli->confirm_seconds || cli->confirm_seconds > CONFIRM_MAX)
		return err_usage(err, "at least 1s, at most 1d");
	return 0;
}

static int set_dns(struct cli *cli, const char *value, struct err *err)
{
	return arg_ip(value, &cli->dns, err);
}

const struct option_def option_table[] = {
	{ 'j', "json", NULL, "print JSON", 0, set_json },
	{ 'p', "pretty", NULL, "indent the JSON", 0, set_pretty },
	{ 'o', "columns", "A,B", "which columns a table has, in this order", 0,
	  set_columns },
	{ 'n', "dry-run", NULL, "print the plan, change nothing", 0,
	  set_dry_run },
	{ 0, "instance", "NAME", "which instance (env BPFNET_INSTANCE)", 0,
	  set_instance },
	{ 0, "cgroup", "DIR",
	  "where the socket hooks attach (env BPFNET_CGROUP)", 0, set_cgroup },
	{ 'q', "quiet", NULL, "no messages but errors", 0, set_quiet },
	{ 'v', "verbose", NULL, "say more; twice: all", 0, set_verbose },
	{ 0, "color", "WHEN", "auto, always or never", 0, set_color },
	{ 'V', "version", NULL, "print the version", 0, set_version },
	{ 'h', "help", NULL, "print this text", 0, set_help },
	{ 'f', "file", "FILE", "the configuration; '-': standard input",
	  OPTION_FILE, set_file },
	{ 0, "prune", NULL, "also remove what a file made and this one lacks",
	  OPTION_PRUNE, set_prune },
	{ 0, "confirm", "TIME", "undo it unless 'bpfnet confirm' comes in time",
	  OPTION_CONFIRM, set_confirm },
	{ 0, "fix", NULL, "repair what is bpfnet's own first", OPTION_FIX,
	  set_fix },
	{ 'w', "watch", "SECONDS", "again and again", OPTION_WATCH, set_watch },
	{ 0, "root", "DIR", "make DIR the root of all files first", OPTION_ROOT,
	  set_root },
	{ 0, "dns", "IP", "write the namespace's resolv.conf first", OPTION_DNS,
	  set_dns },
	{ 0, "drop-flows", NULL,
	  "also where flows are lost: their tables are others",
	  OPTION_DROP_FLOWS, set_drop_flows },
	{ 0 },
};

static int environment_read(struct cli *cli, struct err *err)
{
	const char *instance = getenv("BPFNET_INSTANCE");
	const char *cgroup = getenv("BPFNET_CGROUP");
	const char *attach = getenv("BPFNET_ATTACH");
	const char *no_color = getenv("NO_COLOR");

	cli->instance.name = "bpfnet";
	if (instance && *instance && set_instance(cli, instance, err))
		return err_prefix(err, "BPFNET_INSTANCE");
	if (cgroup && *cgroup && set_cgroup(cli, cgroup, err))
		return err_prefix(err, "BPFNET_CGROUP");
	if (attach && *attach) {
		if (strcmp(attach, "clsact") && strcmp(attach, "auto"))
			return err_usage(err,
					 "BPFNET_ATTACH: '%s' is neither "
					 "'auto' nor 'clsact'",
					 attach);
		cli->instance.force_clsact = !strcmp(attach, "clsact");
	}
	if (no_color && *no_color)
		cli->color = COLOR_NEVER;
	return 0;
}

/* getopt's own tables, made from ours. */
static void getopt_tables(char *letters, struct option *longs)
{
	*letters++ = ':'; /* tells a missing value from an unknown option */
	for (size_t i = 0; option_table[i].name; i++) {
		const struct option_def *def = &option_table[i];

		longs[i].name = def->name;
		longs[i].has_arg = def->value ? required_argument : no_argument;
		longs[i].val = LONG_ONLY + i;
		if (!def->letter)
			continue;
		*letters++ = def->letter;
		if (def->value)
			*letters++ = ':';
	}
	*letters = '\0';
}

static const struct option_def *option_find(int value)
{
	if (value >= LONG_ONLY)
		return &option_table[value - LONG_ONLY];
	for (const struct option_def *def = option_table; def->name; def++)
		if (def->letter == value)
			return def;
	return NULL;
}

static int option_unknown(const char *word, struct err *err)
{
	const char *close = NULL;
	size_t count = 0;

	while (option_table[count].name)
		count++;
	if (!strncmp(word, "--", 2))
		close = suggest(word + 2, &option_table[0].name, count,
				sizeof(*option_table));

	/* A letter may be one of several in a word. */
	if (optopt && optopt < LONG_ONLY)
		err_usage(err, "unknown option '-%c'", optopt);
	else
		err_usage(err, "unknown option '%s'", word);
	if (close)
		err_hint(err, "did you mean '--%s'?", close);
	return -EINVAL;
}

int options_parse(int argc, char **argv, struct cli *cli, int *ret_first,
		  struct err *err)
{
	struct option longs[OPTIONS_MAX] = { 0 };
	char letters[2 * OPTIONS_MAX + 2];
	const struct option_def *def;
	int value;

	_Static_assert(sizeof(option_table) / sizeof(*option_table) <=
			       OPTIONS_MAX,
		       "options");
	if (environment_read(cli, err))
		return -EINVAL;
	getopt_tables(letters, longs);
	optind = 0; /* GNU: start again, for callers that parse twice */
	opterr = 0;

	while ((value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (value == '?')
			return option_unknown(argv[optind - 1], err);
		if (value == ':')
			return err_usage(err, "option '%s' needs a value",
					 argv[optind - 1]);
		def = option_find(value);
		if (def->set(cli, optarg, err))
			return err_prefix(err, "--%s", def->name);
		cli->given |= def->local;
	}
	*ret_first = optind;
	return 0;
}

int options_check(const struct cli *cli, unsigned int allowed, struct err *err)
{
	for (const struct option_def *def = option_table; def->name; def++)
		if (cli->given & def->local & ~allowed)
			return err_usage(err,
					 "option '--%s' is not for this "
					 "command",
					 def->name);
	return 0;
}
