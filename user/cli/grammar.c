/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* grammar - the words that a command takes, read from its line of usage */
#include "cli/grammar.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/*
 * A line of usage is made of
 *
 *	NAME			a word by its position, "[NAME]" one that may
 *				be left out
 *	from SEL, [mtu N]	a keyword and its value
 *	[type bridge|p2p]	a value that is one of these words
 *	[internal]		a keyword alone
 *	allow|deny		one of these keywords
 *	[before A|after B]	one of these keywords with its value
 *	[ip IP]...		may come again
 *	-f FILE, [-w SECONDS]	an option
 *	-- COMMAND [WORD]...	the end
 */

/* A part of the line. */
struct span {
	const char *start;
	size_t len;
};

static struct span span_of(const char *start, const char *end)
{
	return (struct span){ start, (size_t)(end - start) };
}

/* The first c outside of brackets; the span's end without one. */
static const char *span_find(struct span span, char c)
{
	const char *end = span.start + span.len;
	int depth = 0;

	for (const char *at = span.start; at < end; at++) {
		if (*at == c && !depth)
			return at;
		depth += (*at == '[') - (*at == ']');
	}
	return end;
}

/* Takes what stands before c, and c itself, off the front. */
static struct span span_take(struct span *from, char c)
{
	const char *end = from->start + from->len;
	const char *at = span_find(*from, c);
	struct span taken = span_of(from->start, at);

	*from = span_of(at < end ? at + 1 : at, end);
	return taken;
}

static bool span_is(struct span span, const char *text)
{
	return span.len == strlen(text) && !strncmp(span.start, text, span.len);
}

static bool has_blank(struct span span)
{
	return memchr(span.start, ' ', span.len);
}

/* Copies it without what stands in brackets: "ENDPOINT[:PORT]" is one. */
static int span_copy(struct span span, char *ret, size_t size)
{
	size_t used = 0;
	int depth = 0;

	for (size_t i = 0; i < span.len; i++) {
		char c = span.start[i];

		depth += c == '[';
		if (!depth) {
			if (used + 1 >= size)
				return -EINVAL;
			ret[used++] = c;
		}
		depth -= c == ']';
	}
	ret[used] = '\0';
	return used && !depth ? 0 : -EINVAL;
}

static struct slot *slot_add(struct grammar *grammar, unsigned int choice,
			     bool repeat)
{
	struct slot *slot = &grammar->slots[grammar->count];

	if (grammar->count == GRAMMAR_SLOTS_MAX)
		return NULL;
	grammar->count++;
	slot->choice = choice;
	slot->repeat = repeat;
	return slot;
}

/* value: without length for a keyword alone. */
static int keyword_add(struct grammar *grammar, struct span keyword,
		       struct span value, unsigned int choice, bool repeat)
{
	struct slot *slot = slot_add(grammar, choice, repeat);
	static const char to[] = "to ";

	if (!slot || span_copy(keyword, slot->keyword, sizeof(slot->keyword)))
		return -EINVAL;
	/* A word for the reader: "snat to IP". */
	if (value.len > strlen(to) && !strncmp(value.start, to, strlen(to)))
		value = span_of(value.start + strlen(to),
				value.start + value.len);
	return value.len ? span_copy(value, slot->value, sizeof(slot->value)) :
			   0;
}

static int position_add(struct grammar *grammar, struct span value)
{
	struct slot *slot = slot_add(grammar, 0, false);

	return slot ? span_copy(value, slot->value, sizeof(slot->value)) :
		      -EINVAL;
}

/* "a|b" or "a A|b B": keywords that exclude each other. */
static int choice_add(struct grammar *grammar, struct span text, bool repeat)
{
	unsigned int choice = grammar->count + 1;
	int rc = 0;

	while (!rc && text.len) {
		struct span value = span_take(&text, '|');
		struct span keyword = span_take(&value, ' ');

		rc = keyword_add(grammar, keyword, value, choice, repeat);
	}
	return rc;
}

/* Is it "a A|b B", and not "a A|B"? */
static bool is_choice(struct span text)
{
	size_t count = 0;

	while (text.len) {
		if (!has_blank(span_take(&text, '|')))
			return false;
		count++;
	}
	return count > 1;
}

/* What stands in brackets. */
static int group_parse(struct grammar *grammar, struct span text, bool repeat)
{
	struct span keyword;

	if (text.len && *text.start == '-')
		return 0;
	if (is_choice(text) || (!has_blank(text) && islower(*text.start)))
		return choice_add(grammar, text, repeat);
	if (!has_blank(text))
		return position_add(grammar, text);
	keyword = span_take(&text, ' ');
	return keyword_add(grammar, keyword, text, 0, repeat);
}

/* "[...]" or "[...]...", and not a word like "[HOSTIP:]PORT". */
static bool is_group(struct span span, struct span *ret_inner, bool *ret_repeat)
{
	const char *end = span.start + span.len;
	const char *close = span.start;
	int depth = 0;

	if (*span.start != '[')
		return false;
	do
		depth += (*close == '[') - (*close == ']');
	while (depth && ++close < end);
	if (depth)
		return false;
	*ret_inner = span_of(span.start + 1, close);
	*ret_repeat = span_is(span_of(close + 1, end), "...");
	return *ret_repeat || close + 1 == end;
}

/* line: what follows the span, where its value may stand. */
static int word_parse(struct grammar *grammar, struct span span,
		      struct span *line)
{
	bool has_value = line->len && (isupper(*line->start));

	if (*span.start == '-') {
		if (has_value)
			span_take(line, ' ');
		return 0;
	}
	if (!islower(*span.start))
		return position_add(grammar, span);
	if (span_find(span, '|') != span.start + span.len || !has_value)
		return choice_add(grammar, span, false);
	return keyword_add(grammar, span, span_take(line, ' '), 0, false);
}

int grammar_parse(const char *args, struct grammar *ret)
{
	struct span line = span_of(args, args + strlen(args));
	struct grammar grammar = { .count = 0 };
	int rc = 0;

	while (!rc && line.len) {
		struct span span = span_take(&line, ' ');
		struct span inner;
		bool repeat;

		if (!span.len)
			return -EINVAL;
		if (span_is(span, "--")) {
			grammar.ends_in_command = true;
			break;
		}
		if (is_group(span, &inner, &repeat))
			rc = inner.len ? group_parse(&grammar, inner, repeat) :
					 -EINVAL;
		else
			rc = word_parse(&grammar, span, &line);
	}
	if (!rc)
		*ret = grammar;
	return rc;
}
