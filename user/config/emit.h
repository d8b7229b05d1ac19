/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* emit - a JSON value as YAML that people like to read */
#ifndef BPFNET_EMIT_H
#define BPFNET_EMIT_H

#include <jansson.h>
#include <stdio.h>

/* json is only read, but jansson's iterators have no const. The members of the top level, and those of its objects and arrays, on lines
 * of their own; whatever is deeper in one line. */
void emit_yaml(json_t *json, FILE *out);

#endif
