/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tidy - pins of hooks whose devices are gone, or nobody's any more */
#include "datapath/internal.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The device in the name of a hook's pin, or of a mark; 0: it has none. */
static int device_of(const char *pin)
{
	const char *number = strrchr(pin, '_');
	char *end = NULL;
	long ifindex = number ? strtol(number + 1, &end, 10) : 0;

	return number && number[1] && !*end ? (int)ifindex : 0;
}

/* The device took its hooks along, but a link outlives it, and so does the mark
 * of a qdisc that was ours. */
static int pin_tidy(struct datapath *dp, const char *pin, int ifindex,
		    struct err *err)
{
	char path[PIN_PATH_MAX], device[IF_NAMESIZE];

	if (if_indextoname(ifindex, device))
		return strstr(pin, "_uplink_") ?
			       detach_uplink(dp, ifindex, err) :
			       detach_endpoint(dp, ifindex, err);
	if (!strncmp(pin, "clsact_", 7)) {
		rmdir(pin_path(path, dp->root, PIN_LINKS, pin));
		return 0;
	}
	return link_detach(dp, pin, err);
}

int hooks_tidy(struct datapath *dp, bool (*keep)(int ifindex, void *arg),
	       void *arg, struct err *err)
{
	char path[PIN_PATH_MAX];
	struct dirent **entries = NULL;
	int rc = 0, count = scandir(pin_path(path, dp->root, PIN_LINKS, NULL),
				    &entries, NULL, NULL);

	if (count < 0)
		return err_set(err, -errno, "read %s: %s", path,
			       strerror(errno));
	for (int i = 0; i < count; i++) {
		int ifindex = device_of(entries[i]->d_name);

		if (!rc && ifindex && !keep(ifindex, arg))
			rc = pin_tidy(dp, entries[i]->d_name, ifindex, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}
