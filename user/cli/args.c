/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* args - the words of a command: positions first, then keyword/value pairs */
#include "cli/args.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/suggest.h"
#include "model/model.h"

const char *args_peek(const struct args *args)
{
	return args->at < args->count ? args->word[args->at] : NULL;
}

const char *args_next(struct args *args)
{
	return args->at < args->count ? args->word[args->at++] : NULL;
}

int args_take(struct args *args, const char *what, const char **ret,
	      struct err *err)
{
	const char *word = args_next(args);

	if (!word)
		return err_usage(err, "missing %s", what);
	*ret = word;
	return 0;
}

int args_end(const struct args *args, struct err *err)
{
	if (args->at < args->count)
		return err_usage(err, "unexpected '%s'", args->word[args->at]);
	return 0;
}

/* after: the switch in front of it that has no value; NULL: none. */
static int keyword_unknown(const char *word, const struct keyword *after,
			   const struct keyword *table, size_t count,
			   struct err *err)
{
	char known[160] = "";
	size_t len = 0;
	const char *close;

	close = suggest(word, &table[0].name, count, sizeof(*table));
	err_usage(err, "unknown keyword '%s'", word);
	if (close) {
		err_hint(err, "did you mean '%s'?", close);
		return -EINVAL;
	}
	if (after) {
		err_hint(err, "'%s' takes 'on', 'off' or nothing", after->name);
		return -EINVAL;
	}

	for (size_t i = 0; i < count && len < sizeof(known); i++)
		if (table[i].parse)
			len += snprintf(known + len, sizeof(known) - len,
					"%s%s", len ? ", " : "", table[i].name);
	err_hint(err, "known: %s", known);
	return -EINVAL;
}

static const struct keyword *
keyword_find(const char *word, const struct keyword *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(table[i].name, word))
			return &table[i];
	return NULL;
}

static bool is_switch_value(const char *word)
{
	return word && (!strcmp(word, "on") || !strcmp(word, "off"));
}

/* The word that belongs to the keyword just read. */
static int keyword_value(struct args *args, const struct keyword *keyword,
			 const char **ret, struct err *err)
{
	const char *next = args_peek(args);

	if ((keyword->flags & KEYWORD_TO) && next && !strcmp(next, "to"))
		args_next(args);
	if (keyword->flags & KEYWORD_BARE)
		*ret = keyword->name;
	else if (keyword->flags & KEYWORD_SWITCH)
		*ret = is_switch_value(args_peek(args)) ? args_next(args) :
							  "on";
	else if (args_peek(args))
		*ret = args_next(args);
	else
		return err_usage(err, "keyword '%s' needs a value",
				 keyword->name);
	return 0;
}

int keywords_parse(struct args *args, const struct keyword *table, size_t count,
		   struct err *err)
{
	const struct keyword *keyword, *bare = NULL;
	const char *word, *value = NULL;
	uint64_t seen = 0;

	while ((word = args_next(args))) {
		uint64_t bit;

		keyword = keyword_find(word, table, count);
		if (!keyword)
			return keyword_unknown(word, bare, table, count, err);
		if (!keyword->parse)
			return err_usage(err,
					 "keyword '%s' is not available "
					 "in this version",
					 word);

		bit = UINT64_C(1) << (keyword - table);
		if ((seen & bit) && !(keyword->flags & KEYWORD_REPEAT))
			return err_usage(err, "keyword '%s' given twice", word);
		seen |= bit;

		if (keyword_value(args, keyword, &value, err))
			return -EINVAL;
		bare = (keyword->flags & KEYWORD_SWITCH) &&
				       args->word[args->at - 1] == word ?
			       keyword :
			       NULL;
		if (keyword->parse(value, keyword->target, err))
			return err_prefix(err, "%s", word);
	}
	return 0;
}

int arg_switch(const char *value, void *target, struct err *err)
{
	if (!is_switch_value(value))
		return err_usage(err, "'%s' is neither 'on' nor 'off'", value);
	*(bool *)target = !strcmp(value, "on");
	return 0;
}

int arg_true(const char *value, void *target, struct err *err)
{
	(void)value;
	(void)err;
	*(bool *)target = true;
	return 0;
}

int arg_name(const char *value, void *target, struct err *err)
{
	if (!name_is_valid(value)) {
		err_usage(err, "'%s' is not a name", value);
		err_hint(err, "letters, digits, '_', '.', '-'; at most %d",
			 NAME_LEN_MAX);
		return -EINVAL;
	}
	snprintf(target, NAME_LEN_MAX + 1, "%s", value);
	return 0;
}

int arg_ifname(const char *value, void *target, struct err *err)
{
	if (!ifname_is_valid(value)) {
		err_usage(err, "'%s' is not a device name", value);
		err_hint(err, "%s", IFNAME_HINT);
		return -EINVAL;
	}
	snprintf(target, IFNAMSIZ, "%s", value);
	return 0;
}

int arg_ip(const char *value, void *target, struct err *err)
{
	if (ip_parse(value, target))
		return err_usage(err, "'%s' is not an IP address", value);
	return 0;
}

int arg_unsigned(const char *value, void *target, struct err *err)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	/* strtoul itself lets "-1" and " 1" pass. */
	if (*value < '0' || *value > '9' || *end || errno || number > UINT_MAX)
		return err_usage(err, "'%s' is not a number", value);
	*(unsigned int *)target = number;
	return 0;
}

int arg_action(const char *value, void *target, struct err *err)
{
	bool allow = !strcmp(value, "allow");

	if (!allow && strcmp(value, "deny"))
		return err_usage(err, "'%s' is neither 'allow' nor 'deny'",
				 value);
	*(bool *)target = allow;
	return 0;
}

int arg_cidr(const char *value, struct cidr *ret, struct err *err)
{
	struct ipaddr ip;

	if (!cidr_parse(value, ret))
		return 0;
	if (ip_parse(value, &ip))
		return err_usage(err, "'%s' is not a prefix like 10.0.0.0/24",
				 value);
	ret->addr = ip;
	ret->len = ip_is_v4(&ip) ? 32 : 128;
	return 0;
}
