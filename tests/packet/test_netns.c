/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_netns - named namespaces against the running kernel (root only) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kernel/netns.h"
#include "lib/cleanup.h"
#include "lib/file.h"

#define EXIT_SKIPPED 77
#define NAME "bn-netns-t"
#define ROOT "/run/root"

/* The test runs in host; container is another namespace without a name. */
struct world {
	int host, container;
	struct err err;
};

static struct ipaddr ip(const char *text)
{
	struct ipaddr ret;

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

/* Fails the test with the error's text, which says more than its number. */
static void ok(const struct world *world, int rc)
{
	if (rc)
		fail_msg("%d: %s", rc, world->err.text);
}

static int build(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world || unshare(CLONE_NEWNET))
		return -1;
	*state = world;
	world->container = netns_open_self(&world->err);
	if (world->container < 0 || unshare(CLONE_NEWNET))
		return -1;
	world->host = netns_open_self(&world->err);
	return world->host < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	netns_del(NAME, NULL);
	netns_del_resolv(NAME, NULL);
	close(world->host);
	close(world->container);
	free(world);
	return 0;
}

static void run(const char *command)
{
	int status = system(command);

	if (status)
		fail_msg("'%s': status %d", command, status);
}

struct visit {
	const struct world *world;
	bool was_inside;
};

static int fail_inside(void *arg, struct err *err)
{
	struct visit *visit = arg;
	_cleanup_close_ int self = netns_open_self(err);

	visit->was_inside = netns_same(self, visit->world->container);
	return err_set(err, -EDOM, "inside");
}

static void caller_s_namespace_is_the_same_after_a_failure(void **state)
{
	struct world *world = *state;
	struct visit visit = { .world = world };
	_cleanup_close_ int self = -1;

	assert_int_equal(
		netns_run(world->container, fail_inside, &visit, &world->err),
		-EDOM);
	assert_string_equal(world->err.text, "inside");
	assert_true(visit.was_inside);
	/* A descriptor that is no namespace cannot be entered. */
	assert_int_equal(netns_run(STDERR_FILENO, fail_inside, &visit, NULL),
			 -EINVAL);

	self = netns_open_self(&world->err);
	assert_true(netns_same(self, world->host));
	assert_false(netns_same(self, world->container));
}

static int read_cookie(void *arg, struct err *err)
{
	return netns_cookie(arg, err);
}

static void each_namespace_has_its_cookie(void **state)
{
	struct world *world = *state;
	__u64 first = 0, again = 0, other = 0;

	ok(world, netns_cookie(&first, &world->err));
	ok(world, netns_cookie(&again, &world->err));
	ok(world,
	   netns_run(world->container, read_cookie, &other, &world->err));
	assert_int_equal(first, again);
	assert_int_not_equal(first, other);
}

static void spec_is_a_name_a_path_or_a_process(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int by_pid = -1, by_path = -1;
	char spec[32];

	snprintf(spec, sizeof(spec), "pid:%d", getpid());
	by_pid = netns_open(spec, &world->err);
	by_path = netns_open("/proc/self/ns/net", &world->err);
	assert_true(netns_same(by_pid, world->host));
	assert_true(netns_same(by_path, world->host));
}

static void what_is_no_namespace_is_refused(void **state)
{
	static const struct {
		const char *spec;
		int code;
		enum exit_code exit;
	} cases[] = {
		{ "none-of-this-name", -ENOENT, EXIT_NOT_FOUND },
		{ "/none/here", -ENOENT, EXIT_NOT_FOUND },
		{ "/etc/passwd", -EINVAL, EXIT_USAGE },
		{ "/proc/self/ns/mnt", -EINVAL, EXIT_USAGE },
		{ "pid:", -EINVAL, EXIT_USAGE },
		{ "pid:1x", -EINVAL, EXIT_USAGE },
		{ "pid:-1", -EINVAL, EXIT_USAGE },
		{ "pid:4999999", -ENOENT, EXIT_NOT_FOUND },
		{ "", -EINVAL, EXIT_USAGE },
		{ "..", -EINVAL, EXIT_USAGE },
		{ "a/b", -EINVAL, EXIT_USAGE },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (netns_open(cases[i].spec, &world->err) != cases[i].code)
			fail_msg("'%s': %s", cases[i].spec, world->err.text);
		assert_int_equal(world->err.exit, cases[i].exit);
	}
}

static void added_namespace_is_one_of_ip_netns(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int self = -1;

	assert_false(netns_exists(NAME));
	ok(world, netns_add(NAME, &world->err));

	self = netns_open_self(&world->err);
	assert_true(netns_same(self, world->host));
	assert_true(netns_exists(NAME));
	run("ip netns list | grep -qw " NAME);
	run("ip netns exec " NAME " ip link show lo | grep -qw UP");
	assert_int_equal(netns_add(NAME, &world->err), -EEXIST);
	assert_string_equal(world->err.text,
			    "network namespace '" NAME "' exists already");
	run("ip netns del " NAME);
	assert_false(netns_exists(NAME));
}

static void namespace_of_ip_netns_is_deleted(void **state)
{
	struct world *world = *state;

	run("ip netns add " NAME);
	assert_true(netns_exists(NAME));
	ok(world, netns_del(NAME, &world->err));
	run("! ip netns list | grep -qw " NAME);
	assert_int_equal(netns_del(NAME, &world->err), -ENOENT);
}

static void file_in_the_way_of_a_namespace_is_named(void **state)
{
	struct world *world = *state;

	run("mkdir -p /run/netns && touch /run/netns/" NAME);
	assert_false(netns_exists(NAME));
	assert_int_equal(netns_add(NAME, &world->err), -EEXIST);
	assert_string_equal(world->err.text,
			    "'/run/netns/" NAME
			    "' exists but is no network namespace");
	assert_string_not_equal(world->err.hint, "");
	ok(world, netns_del(NAME, &world->err));
}

static void resolv_conf_is_replaced_and_deleted(void **state)
{
	struct ipaddr dns[] = { ip("192.0.2.53"), ip("2001:db8::53") };
	_cleanup_free_ char *text = NULL;
	struct world *world = *state;
	struct stat st;

	ok(world, netns_write_resolv(NAME, dns, 1, &world->err));
	ok(world, netns_write_resolv(NAME, dns, 2, &world->err));
	ok(world, file_read("/etc/netns/" NAME "/resolv.conf", &text, NULL,
			    &world->err));
	assert_string_equal(text, "nameserver 192.0.2.53\n"
				  "nameserver 2001:db8::53\n");

	run("touch /etc/netns/" NAME "/hosts");
	ok(world, netns_del_resolv(NAME, &world->err));
	assert_int_equal(stat("/etc/netns/" NAME "/resolv.conf", &st), -1);
	assert_int_equal(stat("/etc/netns/" NAME "/hosts", &st), 0);
	run("rm /etc/netns/" NAME "/hosts");
	ok(world, netns_del_resolv(NAME, &world->err));
	assert_int_equal(stat("/etc/netns/" NAME, &st), -1);
	ok(world, netns_del_resolv(NAME, &world->err));
}

static void directory_of_all_of_them_is_as_it_was(void **state)
{
	struct ipaddr dns = ip("192.0.2.53");
	struct world *world = *state;
	struct stat st;

	run("rm -rf /etc/netns && mkdir /etc/netns");
	ok(world, netns_write_resolv(NAME, &dns, 1, &world->err));
	ok(world, netns_del_resolv(NAME, &world->err));
	assert_int_equal(stat("/etc/netns", &st), 0);

	run("rmdir /etc/netns");
	ok(world, netns_write_resolv(NAME, &dns, 1, &world->err));
	run("mkdir /etc/netns/other");
	ok(world, netns_del_resolv(NAME, &world->err));
	assert_int_equal(stat("/etc/netns", &st), 0);

	run("rmdir /etc/netns/other");
	ok(world, netns_write_resolv(NAME, &dns, 1, &world->err));
	ok(world, netns_del_resolv(NAME, &world->err));
	assert_int_equal(stat("/etc/netns", &st), -1);
}

/* Runs a shell script as netns_exec's command, in a child process. Returns
 * its exit status; 200 + exit code when netns_exec itself failed. */
static int exec_script(const char *spec, const char *root, const char *script)
{
	char sh[] = "sh", flag[] = "-euc", *text = strdup(script);
	char *argv[] = { sh, flag, text, NULL };
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		struct err err = { 0 };

		netns_exec(spec, root, argv, &err);
		fprintf(stderr, "netns_exec: %s\n", err.text);
		_exit(200 + err.exit);
	}
	free(text);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void command_sees_the_namespace_and_its_files(void **state)
{
	struct world *world = *state;
	struct ipaddr dns = ip("192.0.2.53");

	ok(world, netns_add(NAME, &world->err));
	ok(world, netns_write_resolv(NAME, &dns, 1, &world->err));
	run("ip -n " NAME " link add only-here type bridge");

	assert_int_equal(exec_script(NAME, NULL,
				     "grep -q '192.0.2.53' /etc/resolv.conf; "
				     "test -d /sys/class/net/only-here"),
			 0);
	assert_int_equal(exec_script("/run/netns/" NAME, NULL,
				     "grep -q '192.0.2.53' /etc/resolv.conf"),
			 0);
	run("! grep -q '192.0.2.53' /etc/resolv.conf");
	run("! test -e /sys/class/net/only-here");
}

static void command_sees_what_is_mounted_below_sys(void **state)
{
	struct world *world = *state;

	ok(world, netns_add(NAME, &world->err));
	run("grep -o ' /sys/[^ ]*' /proc/self/mounts | sort "
	    "> /run/mounts");

	assert_int_equal(
		exec_script(NAME, NULL,
			    "grep -o ' /sys/[^ ]*' /proc/self/mounts | sort | "
			    "diff - /run/mounts"),
		0);
}

static void process_s_namespace_has_no_files_of_its_own(void **state)
{
	struct world *world = *state;
	struct ipaddr dns = ip("192.0.2.53");
	char spec[32];

	ok(world, netns_write_resolv(NAME, &dns, 1, &world->err));
	snprintf(spec, sizeof(spec), "pid:%d", getpid());

	assert_int_equal(exec_script(spec, NULL,
				     "! grep -q '192.0.2.53' /etc/resolv.conf"),
			 0);
}

/* A root with the machine's programs, and an /etc that has no resolv.conf. */
static void make_root(void)
{
	run("mkdir -p " ROOT "/etc " ROOT "/sys && "
	    "for dir in usr bin lib lib64; do "
	    "mkdir -p " ROOT "/$dir && mount --bind /$dir " ROOT "/$dir; done");
}

static void command_in_a_root_has_the_namespace_s_resolv_conf(void **state)
{
	struct world *world = *state;
	struct ipaddr dns = ip("192.0.2.53");

	make_root();
	ok(world, netns_add(NAME, &world->err));
	ok(world, netns_write_resolv(NAME, &dns, 1, &world->err));

	assert_int_equal(
		exec_script(NAME, ROOT,
			    "grep -q '192.0.2.53' /etc/resolv.conf; "
			    "test -d /sys/class/net/lo; "
			    "test ! -e /etc/passwd; test \"$PWD\" = /"),
		0);
}

static void command_that_does_not_exist_is_not_found(void **state)
{
	struct world *world = *state;
	char name[] = "bn-no-such-command", *argv[] = { name, NULL };
	int status = -1;
	pid_t pid;

	ok(world, netns_add(NAME, &world->err));
	pid = fork();
	if (!pid)
		_exit(netns_exec(NAME, NULL, argv, NULL) == -ENOENT ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);

	assert_int_equal(exec_script("none-of-this-name", NULL, "true"),
			 200 + EXIT_NOT_FOUND);
}

/*
 * The whole program has mounts of its own: an empty /run, so that the
 * machine's /run/netns is out of reach, and an /etc/netns that goes away.
 */
static int separate_mounts(void)
{
	/* Private cuts them off from the machine's; shared, as a machine has
	 * them, lets a command that does not separate its own show itself. */
	if (unshare(CLONE_NEWNS) ||
	    mount("", "/", NULL, MS_PRIVATE | MS_REC, NULL) ||
	    mount("", "/", NULL, MS_SHARED | MS_REC, NULL) ||
	    mount("test", "/run", "tmpfs", 0, NULL))
		return -1;
	/* /etc is written to only below a layer that vanishes with us. */
	if (mkdir("/run/upper", 0755) || mkdir("/run/work", 0755))
		return -1;
	return mount("test", "/etc", "overlay", 0,
		     "lowerdir=/etc,upperdir=/run/upper,workdir=/run/work");
}

#define test(name) cmocka_unit_test_setup_teardown(name, build, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(caller_s_namespace_is_the_same_after_a_failure),
		test(each_namespace_has_its_cookie),
		test(spec_is_a_name_a_path_or_a_process),
		test(what_is_no_namespace_is_refused),
		test(added_namespace_is_one_of_ip_netns),
		test(namespace_of_ip_netns_is_deleted),
		test(file_in_the_way_of_a_namespace_is_named),
		test(resolv_conf_is_replaced_and_deleted),
		test(directory_of_all_of_them_is_as_it_was),
		test(command_sees_the_namespace_and_its_files),
		test(command_sees_what_is_mounted_below_sys),
		test(process_s_namespace_has_no_files_of_its_own),
		test(command_in_a_root_has_the_namespace_s_resolv_conf),
		test(command_that_does_not_exist_is_not_found),
	};

	if (geteuid()) {
		fprintf(stderr, "needs root\n");
		return EXIT_SKIPPED;
	}
	if (separate_mounts()) {
		perror("separate the mounts");
		return EXIT_SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
