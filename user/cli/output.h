/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* output - results on stdout as table, line or JSON; errors on stderr */
#ifndef BPFNET_OUTPUT_H
#define BPFNET_OUTPUT_H

#include <jansson.h>

#include "cli/cli.h"

/* One column of a table: a key of the JSON objects that are listed. */
struct column {
	const char *key;
	bool optional; /* only shown when -o asks for it */
};

/* All json_t arguments are taken over, also on failure; NULL (out of memory
 * while it was made) is reported. */

/* {"schema": "bpfnet/1"} */
json_t *output_root(void);

/* Prints root as JSON (and a newline). */
int output_json(const struct cli *cli, json_t *root, struct err *err);

/*
 * Prints root as JSON with -j, else the objects of its array key as a table
 * whose columns end with one without key. An empty array prints nothing.
 */
int output_list(const struct cli *cli, json_t *root, const char *key,
		const struct column *columns, struct err *err);

/* Are those of -o among them? For who wants to know before the work is done. */
int output_check_columns(const struct cli *cli, const struct column *columns,
			 struct err *err);

/* As output_list, but without -j one "key  value" line for each member of
 * each object. */
int output_show(const struct cli *cli, json_t *root, const char *key,
		struct err *err);

/* A message about what was done; not with -q, -j or -n. */
__attribute__((format(printf, 2, 3))) void output_done(const struct cli *cli,
						       const char *fmt, ...);

/* "bpfnet: TEXT (HINT)" on stderr, with -j also as JSON. */
void output_error(const struct cli *cli, const struct err *err);

/* Flushes stdout; what could not be written is an error. */
int output_finish(struct err *err);

#endif
