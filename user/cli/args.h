/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* args - the words of a command: positions first, then keyword/value pairs */
#ifndef BPFNET_ARGS_H
#define BPFNET_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/ip.h"

/* The words that are left, from word[at] on. */
struct args {
	char **word;
	int count;
	int at;
};

/* The next word, or NULL. peek does not consume it. */
const char *args_next(struct args *args);
const char *args_peek(const struct args *args);
/* As args_next, but "missing WHAT" when there is none. */
int args_take(struct args *args, const char *what, const char **ret,
	      struct err *err);
/* "unexpected 'WORD'" when words are left. */
int args_end(const struct args *args, struct err *err);

enum keyword_flags {
	KEYWORD_BARE = 1 << 0, /* stands alone: parse gets its name */
	KEYWORD_SWITCH = 1 << 1, /* "on" or "off" may follow; alone: on */
	KEYWORD_REPEAT = 1 << 2, /* may come more than once */
	KEYWORD_TO = 1 << 3, /* "to" may stand before the value */
};

struct keyword {
	const char *name;
	/* 0, or -EINVAL with a text about the value alone. NULL: the keyword
	 * is known, but not available in this version. */
	int (*parse)(const char *value, void *target, struct err *err);
	void *target;
	unsigned int flags; /* enum keyword_flags */
};

/*
 * Consumes all words that are left as keywords of the table, in any order.
 * Errors name the keyword: "subnet: '10.0/8' is not a prefix". Targets keep
 * what was parsed before the error.
 */
int keywords_parse(struct args *args, const struct keyword *table, size_t count,
		   struct err *err);

/* Values that several commands know. Targets: bool, char[NAME_LEN_MAX + 1],
 * char[IFNAMSIZ], struct ipaddr, unsigned int, bool (true: allow). */
int arg_switch(const char *value, void *target, struct err *err);
int arg_true(const char *value, void *target, struct err *err);
int arg_name(const char *value, void *target, struct err *err);
int arg_ifname(const char *value, void *target, struct err *err);
int arg_ip(const char *value, void *target, struct err *err);
int arg_unsigned(const char *value, void *target, struct err *err);
int arg_action(const char *value, void *target, struct err *err);

/* A prefix; a single address is one of full length. */
int arg_cidr(const char *value, struct cidr *ret, struct err *err);

#endif
