/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* suggest - the known word that a mistyped one probably meant */
#ifndef BPFNET_SUGGEST_H
#define BPFNET_SUGGEST_H

#include <stddef.h>

#include "lib/err.h"

/*
 * names: the first of count pointers, each stride bytes after the one before
 * (tables of structs that begin with or contain a name). NULL when nothing is
 * close enough to be worth saying.
 */
const char *suggest(const char *word, const char *const *names, size_t count,
		    size_t stride);

/*
 * "no WHAT 'NAME'", not found; its hint is the name that was probably meant.
 * items: count structs of size bytes that begin with their name. Returns
 * -ENOENT.
 */
int suggest_missing(const char *what, const char *name, const void *items,
		    size_t count, size_t size, struct err *err);
/* The hint alone, if there is one. */
void suggest_hint(const char *name, const void *items, size_t count,
		  size_t size, struct err *err);

#endif
