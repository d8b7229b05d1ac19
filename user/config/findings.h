/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* findings - what is wrong with a file, collected and told in its order */
#ifndef BPFNET_FINDINGS_H
#define BPFNET_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/source.h"
#include "lib/err.h"

/* A position in a file, both counted from 1; columns are characters. Of two
 * positions both sources are of one array, or the same. */
struct position {
	const struct source *source;
	size_t line, column;
};

struct findings {
	struct finding *items;
	size_t count;
	size_t conflicts; /* those with exit code 4 */
	bool out_of_memory;
};

void findings_free(struct findings *f);
/* Takes text and hint of err. */
void findings_add(struct findings *f, struct position at,
		  const struct err *err);
/* hint may be NULL. */
__attribute__((format(printf, 4, 5))) void findings_put(struct findings *f,
							struct position at,
							const char *hint,
							const char *fmt, ...);
/* Calls report with a line for each, in the order of the files. */
void findings_report(struct findings *f, config_report report, void *arg);

#endif
