/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_lock - commands wait for each other, and say so */
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control_world.h"
#include "lib/cleanup.h"
#include "lib/file.h"
#include "lib/log.h"

#define LOCK RUN_DIR "/lock"
#define WAIT_MS 20000

/* A process that has the instance, or waits for it. */
struct command {
	pid_t pid;
	int messages; /* what it writes to the terminal */
	int go; /* a byte: it may end */
};

/* has: gets the letter when the instance is open. */
static void run(struct world *world, enum log_level level, int go, int has,
		char letter)
{
	struct control *control;
	char end;

	log_set_level(level);
	if (control_open(&world->instance, CONTROL_WRITE, &control, NULL) ||
	    write(has, &letter, 1) != 1 || read(go, &end, 1) != 1)
		_exit(1);
	control_close(control);
	_exit(0);
}

static struct command start(struct world *world, enum log_level level, int has,
			    char letter)
{
	int messages[2], go[2];
	struct command command;

	assert_int_equal(pipe(messages), 0);
	assert_int_equal(pipe(go), 0);
	fflush(NULL);
	command.pid = fork();
	if (!command.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(messages[1], STDERR_FILENO);
		run(world, level, go[0], has, letter);
	}
	assert_true(command.pid > 0);
	close(messages[1]);
	close(go[0]);
	command.messages = messages[0];
	command.go = go[1];
	return command;
}

static void let_end(struct command *command)
{
	int status;

	assert_int_equal(write(command->go, "", 1), 1);
	close(command->go);
	assert_int_equal(waitpid(command->pid, &status, 0), command->pid);
	assert_int_equal(status, 0);
	close(command->messages);
}

static char next_letter(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	char letter;

	assert_int_equal(poll(&readable, 1, WAIT_MS), 1);
	assert_int_equal(read(fd, &letter, 1), 1);
	return letter;
}

static void assert_line(int fd, const char *expected)
{
	char line[256] = "";

	for (size_t i = 0; i + 1 < sizeof(line); i++) {
		line[i] = next_letter(fd);
		if (line[i] == '\n') {
			line[i] = '\0';
			break;
		}
	}
	assert_string_equal(line, expected);
}

static bool is_silent(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	return poll(&readable, 1, 0) == 0;
}

/* An instance that has nothing is gone with its lock when it is closed, and then
 * those who wait begin anew. */
static void have_something(struct world *world)
{
	struct netns netns = { .name = "mine" };

	assert_non_null(model_add_netns(&world->model, &netns));
	must_apply(world);
}

/* In the kernel's queue for any lock: this machine may have others. */
static void await_queued(pid_t pid)
{
	char command[96];

	snprintf(command, sizeof(command),
		 "grep -q -- '-> FLOCK .* %d ' /proc/locks", pid);
	await(command);
}

static void who_waits_says_for_whom(void **state)
{
	struct command holder, waiter, quiet;
	char expected[128];
	int has[2];

	have_something(*state);
	assert_int_equal(pipe(has), 0);
	holder = start(*state, LOG_LEVEL_WARN, has[1], 'h');
	assert_int_equal(next_letter(has[0]), 'h');
	quiet = start(*state, LOG_LEVEL_ERR, has[1], 'q');
	await_queued(quiet.pid);
	waiter = start(*state, LOG_LEVEL_WARN, has[1], 'w');

	snprintf(expected, sizeof(expected),
		 "bpfnet: waiting for another bpfnet (pid %d)", holder.pid);
	assert_line(waiter.messages, expected);
	/* It began to wait before that one did. */
	assert_true(is_silent(quiet.messages));

	let_end(&holder);
	assert_int_equal(next_letter(has[0]), 'q');
	let_end(&quiet);
	assert_int_equal(next_letter(has[0]), 'w');
	let_end(&waiter);
}

/* Telling of it costs nobody his place. */
static void turn_comes_in_the_order_of_arrival(void **state)
{
	struct command holder, first, second;
	int has[2];

	have_something(*state);
	assert_int_equal(pipe(has), 0);
	holder = start(*state, LOG_LEVEL_WARN, has[1], 'h');
	assert_int_equal(next_letter(has[0]), 'h');
	first = start(*state, LOG_LEVEL_WARN, has[1], '1');
	await_queued(first.pid);
	second = start(*state, LOG_LEVEL_WARN, has[1], '2');
	await_queued(second.pid);
	assert_int_equal(next_letter(first.messages), 'b');
	assert_int_equal(next_letter(second.messages), 'b');

	let_end(&holder);
	assert_int_equal(next_letter(has[0]), '1');
	let_end(&first);
	assert_int_equal(next_letter(has[0]), '2');
	let_end(&second);
}

static void command_of_the_holder_is_told(void **state)
{
	struct command waiter;
	char expected[128];
	int has[2];
	_cleanup_free_ char *pid = NULL;

	assert_int_equal(pipe(has), 0);
	assert_int_equal(file_mkdir(RUN_DIR, NULL), 0);
	must("mkfifo /run/end");
	must("flock " LOCK " cat /run/end & ");
	await("! flock -n " LOCK " true");
	pid = output_of("pgrep -xf 'flock " LOCK " cat /run/end'");
	waiter = start(*state, LOG_LEVEL_WARN, has[1], 'w');

	snprintf(expected, sizeof(expected),
		 "bpfnet: waiting for another bpfnet (pid %d, '" LOCK
		 " cat /run/end')",
		 atoi(pid));
	assert_line(waiter.messages, expected);

	must(": >/run/end");
	assert_int_equal(next_letter(has[0]), 'w');
	let_end(&waiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(who_waits_says_for_whom),
		WORLD_TEST(turn_comes_in_the_order_of_arrival),
		WORLD_TEST(command_of_the_holder_is_told),
	};

	return world_main("control_lock", tests,
			  sizeof(tests) / sizeof(*tests));
}
