/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* notify - tells a service manager how the agent is, see sd_notify(3) */
#include "agent/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/cleanup.h"
#include "lib/log.h"

/* The protocol is a line in a datagram, so that no library is needed for it. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	size_t len;

	if (!path || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	/* The way to write a name in the abstract namespace, unix(7). */
	if (path[0] == '@')
		address.sun_path[0] = '\0';

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (const struct sockaddr *)&address,
			     offsetof(struct sockaddr_un, sun_path) + len) < 0)
		log_debug("notify '%s': %s", path, strerror(errno));
}

void notify_ready(void)
{
	notify("READY=1");
}

void notify_stopping(void)
{
	notify("STOPPING=1");
}

void notify_alive(void)
{
	if (getenv("WATCHDOG_USEC"))
		notify("WATCHDOG=1");
}
