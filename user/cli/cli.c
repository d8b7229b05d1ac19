/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cli - from argv to a command's exit code */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/usage.h"
#include "lib/log.h"

/*
 * A closed descriptor 0, 1 or 2 would be given to the next socket or file we
 * open, and the output would land there. Reading ends fail every write, which
 * is what a closed stdout should do.
 */
static void stdio_secure(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			_exit(EXIT_FAILED);
}

static void log_configure(const struct cli *cli)
{
	if (cli->quiet)
		log_set_level(LOG_LEVEL_ERR);
	else if (cli->verbose == 1)
		log_set_level(LOG_LEVEL_INFO);
	else if (cli->verbose > 1)
		log_set_level(LOG_LEVEL_DEBUG);
}

static bool is_help(const char *word)
{
	return word && !strcmp(word, "help");
}

static int command_run(struct cli *cli, const struct command *object,
		       const struct command *command, struct args *args,
		       struct err *err)
{
	int rc = options_check(cli, command->options, err);

	if (!rc && cli->dry_run && command->no_dry_run)
		rc = err_usage(err, "has no dry run");
	if (!rc)
		rc = command->run(cli, args, err);
	if (rc >= 0)
		return rc;

	if (err->exit == EXIT_USAGE && !err->hint[0])
		err_hint(err, "see 'bpfnet %s help'", object->name);
	if (command != object)
		return err_prefix(err, "%s %s", object->name, command->name);
	return err_prefix(err, "%s", object->name);
}

/* An object's command, by the next word. */
static int sub_find(const struct command *object, struct args *args,
		    const struct command **ret, struct err *err)
{
	if (!command_find(object->sub, args_next(args), "command", ret, err))
		return 0;
	if (!err->hint[0])
		err_hint(err, "see 'bpfnet %s help'", object->name);
	return err_prefix(err, "%s", object->name);
}

static int object_find(struct args *args, const struct command **ret,
		       struct err *err)
{
	if (!command_find(command_table, args_next(args), "object", ret, err))
		return 0;
	if (!err->hint[0])
		err_hint(err, "see 'bpfnet help'");
	return -EINVAL;
}

static int object_run(struct cli *cli, const struct command *object,
		      struct args *args, struct err *err)
{
	const struct command *command = object;

	if (object->sub && args_peek(args) && !is_help(args_peek(args)) &&
	    sub_find(object, args, &command, err))
		return -EINVAL;
	if (cli->help || is_help(args_peek(args))) {
		if (command == object)
			usage_print_object(object, stdout);
		else
			usage_print_command(object, command, stdout);
		return EXIT_OK;
	}
	if (object->sub && command == object) {
		usage_print_object(object, stderr);
		return EXIT_USAGE;
	}
	return command_run(cli, object, command, args, err);
}

/* "help network add" is "network add --help". */
int cmd_help(struct cli *cli, struct args *args, struct err *err)
{
	const struct command *object;

	if (!args_peek(args)) {
		usage_print(stdout);
		return EXIT_OK;
	}
	if (object_find(args, &object, err))
		return -EINVAL;
	cli->help = true;
	return object_run(cli, object, args, err);
}

static int words_run(struct cli *cli, struct args *args, struct err *err)
{
	const struct command *object;

	if (cli->version) {
		printf("bpfnet %s\n", BPFNET_VERSION);
		return EXIT_OK;
	}
	if (!args_peek(args)) {
		usage_print(cli->help ? stdout : stderr);
		return cli->help ? EXIT_OK : EXIT_USAGE;
	}
	if (object_find(args, &object, err))
		return -EINVAL;
	return object_run(cli, object, args, err);
}

int cli_main(int argc, char **argv)
{
	struct cli cli = { 0 };
	struct err err = { 0 };
	struct args args;
	int rc, first;

	stdio_secure();
	/* A reader that goes away is an error of ours, not a silent death. */
	signal(SIGPIPE, SIG_IGN);

	rc = options_parse(argc, argv, &cli, &first, &err);
	if (!rc) {
		log_configure(&cli);
		args = (struct args){ argv, argc, first };
		rc = words_run(&cli, &args, &err);
	}
	if (rc >= 0 && output_finish(&err))
		rc = -EIO;
	if (rc < 0) {
		/* What was printed so far comes before the error. */
		fflush(stdout);
		output_error(&cli, &err);
		rc = err.exit != EXIT_OK ? err.exit : EXIT_FAILED;
	}
	return rc;
}
