/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_notify - what a service manager hears from the agent */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/notify.h"

#define TEXT_MAX 64

/* The manager's end, with the name that it gives to a service. */
struct manager {
	int fd;
	char name[96]; /* as in NOTIFY_SOCKET */
};

static void manager_open(struct manager *manager, bool abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len;

	snprintf(manager->name, sizeof(manager->name), "%sbn-notify-%d",
		 abstract ? "@" : "/tmp/", getpid());
	len = strlen(manager->name);
	memcpy(address.sun_path, manager->name, len);
	if (abstract)
		address.sun_path[0] = '\0';
	manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(manager->fd >= 0);
	assert_int_equal(bind(manager->fd, (struct sockaddr *)&address,
			      offsetof(struct sockaddr_un, sun_path) + len),
			 0);
	setenv("NOTIFY_SOCKET", manager->name, 1);
}

static void manager_close(const struct manager *manager)
{
	close(manager->fd);
	if (manager->name[0] == '/')
		unlink(manager->name);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
}

static void assert_heard(const struct manager *manager, const char *wanted)
{
	char text[TEXT_MAX] = "";

	assert_true(recv(manager->fd, text, sizeof(text) - 1, 0) >= 0);
	assert_string_equal(text, wanted);
}

static void assert_silence(const struct manager *manager)
{
	char text[TEXT_MAX];

	assert_int_equal(recv(manager->fd, text, sizeof(text), 0), -1);
}

static void manager_hears_begin_and_end(void **state)
{
	struct manager manager;

	(void)state;
	for (int abstract = 0; abstract <= 1; abstract++) {
		manager_open(&manager, abstract);
		notify_ready();
		assert_heard(&manager, "READY=1");
		notify_stopping();
		assert_heard(&manager, "STOPPING=1");
		assert_silence(&manager);
		manager_close(&manager);
	}
}

static void signs_of_life_are_sent_when_wanted(void **state)
{
	struct manager manager;

	(void)state;
	manager_open(&manager, false);
	notify_alive();
	assert_silence(&manager);

	setenv("WATCHDOG_USEC", "30000000", 1);
	notify_alive();
	assert_heard(&manager, "WATCHDOG=1");
	manager_close(&manager);
}

static void nobody_who_listens_is_no_harm(void **state)
{
	static const char *const names[] = { "/tmp/bn-notify-nobody",
					     "@bn-notify-nobody", "", "x" };
	char longer[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];

	(void)state;
	notify_ready();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_ready();
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	notify_ready();
	unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manager_hears_begin_and_end),
		cmocka_unit_test(signs_of_life_are_sent_when_wanted),
		cmocka_unit_test(nobody_who_listens_is_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
