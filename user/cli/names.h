/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* names - "'a', 'b' and 7 more": who still uses something */
#ifndef BPFNET_NAMES_H
#define BPFNET_NAMES_H

#include <stddef.h>

#include "lib/err.h"

#define NAMES_SHOWN 5

/* Zero-initialise. */
struct names {
	char text[200];
	size_t used;
	size_t count;
};

void names_add(struct names *names, const char *name);
/* Conflict: "network 'a' is used by endpoint 'x', 'y'". */
int names_in_use(const struct names *names, const char *what, const char *name,
		 const char *user, struct err *err);

#endif
