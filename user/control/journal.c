/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* journal - the file of all objects: its lines, and what they add up to */
#include "control/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "model/index.h"

static const char *const kind_name[] = {
	[OBJECT_SETTINGS] = "settings", [OBJECT_NETNS] = "netns",
	[OBJECT_NETWORK] = "network",	[OBJECT_ENDPOINT] = "endpoint",
	[OBJECT_UPLINK] = "uplink",	[OBJECT_PUBLISH] = "publish",
	[OBJECT_RULE] = "rule",
};
#define KINDS (sizeof(kind_name) / sizeof(*kind_name))

#define HINT_DAMAGED                                             \
	"the file is damaged: 'bpfnet check --fix' repairs it, " \
	"'bpfnet purge' starts afresh"

/* "SUM\n" */
#define SUM_DIGITS 8
#define END_LEN (1 + SUM_DIGITS + 1)

/* ---------------------------------------------------------------- print */

static void line_start(struct line *line, char op, const char *word)
{
	line->len = snprintf(line->text, sizeof(line->text), "%c %s", op, word);
}

static void line_end(struct line *line)
{
	__u32 sum = (__u32)hash_quick(line->text, line->len);

	line->len += snprintf(line->text + line->len,
			      sizeof(line->text) - line->len, " %08x\n", sum);
}

void journal_line(char op, enum object_kind kind, const void *object,
		  struct line *ret)
{
	line_start(ret, op, kind_name[kind]);
	if (op != '-')
		fields_print(kind, object, ret);
	else if (kind != OBJECT_SETTINGS)
		fields_print_key(kind, object, ret);
	line_end(ret);
}

void journal_policy_line(size_t old, size_t at, size_t del, size_t add,
			 struct line *ret)
{
	char words[128];

	snprintf(words, sizeof(words), "policy %zu %zu %zu %zu", old, at, del,
		 add);
	line_start(ret, '!', words);
	line_end(ret);
}

void journal_head(FILE *out)
{
	struct line line;

	for (size_t kind = 0; kind < KINDS; kind++) {
		line_start(&line, '#', kind_name[kind]);
		fields_print_names(kind, &line);
		line_end(&line);
		fwrite(line.text, 1, line.len, out);
	}
}

static void put_objects(FILE *out, char op, enum object_kind kind,
			const void *objects, size_t count, size_t size)
{
	const char *object = objects;
	struct line line;

	for (size_t i = 0; i < count; i++, object += size) {
		journal_line(op, kind, object, &line);
		fwrite(line.text, 1, line.len, out);
	}
}

static void put_model(FILE *out, char op, const struct model *m)
{
	put_objects(out, op, OBJECT_NETNS, m->netns, m->nnetns,
		    sizeof(*m->netns));
	put_objects(out, op, OBJECT_NETWORK, m->networks, m->nnetworks,
		    sizeof(*m->networks));
	put_objects(out, op, OBJECT_ENDPOINT, m->endpoints, m->nendpoints,
		    sizeof(*m->endpoints));
	put_objects(out, op, OBJECT_UPLINK, m->uplinks, m->nuplinks,
		    sizeof(*m->uplinks));
	put_objects(out, op, OBJECT_PUBLISH, m->publishes, m->npublishes,
		    sizeof(*m->publishes));
}

static void put_rules(FILE *out, const struct model *m)
{
	struct line line;

	if (!m->nrules)
		return;
	put_objects(out, '.', OBJECT_RULE, m->rules, m->nrules,
		    sizeof(*m->rules));
	journal_policy_line(0, 0, 0, m->nrules, &line);
	fwrite(line.text, 1, line.len, out);
}

int journal_print(const struct state *state, char **ret_text, size_t *ret_len)
{
	struct model fresh;
	FILE *out = open_memstream(ret_text, ret_len);

	if (!out)
		return -ENOMEM;
	journal_head(out);
	model_init(&fresh);
	if (!settings_equal(&state->model.settings, &fresh.settings))
		put_objects(out, '+', OBJECT_SETTINGS, &state->model.settings,
			    1, sizeof(fresh.settings));
	put_model(out, '+', &state->model);
	put_model(out, '?', &state->leftovers);
	put_rules(out, &state->model);
	if (!fclose(out))
		return 0;
	free(*ret_text);
	return -ENOMEM;
}

/* ----------------------------------------------------------------- read */

/* The last line about one object. */
struct entry {
	const char *key; /* "endpoint web" in the first line about it */
	char *words; /* behind the kind, cut off before the sum */
	unsigned int number; /* publish: its own */
	size_t line; /* where that was */
	__u16 kind;
	char op;
};

/* A list of lines: those of one kind, or rules. */
struct list {
	char **words;
	size_t count;
};

struct reading {
	const char *path;
	bool salvage;
	struct state *state;
	size_t line; /* its number */
	size_t damaged; /* the last one that was, 0: none */
	struct layout layouts[KINDS];
	struct index index; /* key -> entry */
	struct entry *entries;
	size_t nentries;
	struct list rules, waiting;
};

static int damage(const struct reading *r, struct err *err, const char *what)
{
	err_set(err, -EINVAL, "%s:%zu: %s", r->path, r->line, what);
	err_hint(err, HINT_DAMAGED);
	return -EINVAL;
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static bool sum_is_right(const char *line, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	__u32 sum;

	if (len < 4 + END_LEN || line[1] != ' ')
		return false;
	len -= END_LEN;
	sum = (__u32)hash_quick(line, len);
	if (line[len] != ' ')
		return false;
	for (int i = SUM_DIGITS; i > 0; i--, sum >>= 4)
		if (line[len + i] != digits[sum & 15])
			return false;
	return true;
}

static size_t word_len(const char *word)
{
	size_t len = 0;

	while (word[len] && word[len] != ' ')
		len++;
	return len;
}

/* The kind that a line is about; KINDS: none. */
static size_t kind_of(const char *word, size_t *ret_len)
{
	size_t kind = 0, len = word_len(word);

	while (kind < KINDS && (kind_name[kind][0] != word[0] ||
				strncmp(kind_name[kind], word, len) != 0 ||
				kind_name[kind][len]))
		kind++;
	*ret_len = len;
	return kind;
}

static int list_add(struct list *list, char *words)
{
	/* Rooms double: a power of two is full. */
	if (!(list->count & (list->count - 1))) {
		size_t room = list->count ? 2 * list->count : 1;
		char **more = reallocarray(list->words, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->words = more;
	}
	list->words[list->count++] = words;
	return 0;
}

/* Puts the rules that wait in the place of `del` at `at`. */
static int policy_splice(struct reading *r, size_t at, size_t del)
{
	struct list new = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; i < at && !rc; i++)
		rc = list_add(&new, r->rules.words[i]);
	for (i = 0; i < r->waiting.count && !rc; i++)
		rc = list_add(&new, r->waiting.words[i]);
	for (i = at + del; i < r->rules.count && !rc; i++)
		rc = list_add(&new, r->rules.words[i]);
	free(r->rules.words);
	r->rules = new;
	r->waiting.count = 0;
	return rc;
}

static int on_policy(struct reading *r, const char *words, struct err *err)
{
	size_t old, at, del, add;

	if (sscanf(words, "policy %zu %zu %zu %zu", &old, &at, &del, &add) !=
		    4 ||
	    old != r->rules.count || add != r->waiting.count || at > old ||
	    del > old - at)
		return damage(r, err, "another policy went before");
	return policy_splice(r, at, del) ? no_memory(err) : 0;
}

static void on_object(struct reading *r, char op, size_t kind, char *word,
		      size_t kind_len)
{
	char *words = word + kind_len + (word[kind_len] == ' ');
	struct entry *new = &r->entries[r->nentries], *entry = new;
	size_t key_len = kind_len;
	const struct entry *known;

	*new = (struct entry){ .key = word, .kind = kind };
	if (kind != OBJECT_SETTINGS)
		key_len = words + word_len(words) - word;
	if (kind == OBJECT_PUBLISH)
		new->number = strtoul(words, NULL, 10);
	known = index_add(&r->index, word, key_len, new);
	if (known)
		entry = &r->entries[known - r->entries];
	else
		r->nentries++;
	entry->words = words;
	entry->op = op;
	entry->line = r->line;
}

/* It may restrict something, as a rule does. */
static int unknown_kind(const struct reading *r, const char *word,
			struct err *err)
{
	err_set(err, -EPROTO, "%s:%zu: this bpfnet does not know '%.*s'",
		r->path, r->line, (int)word_len(word), word);
	err_kind(err, EXIT_CONFLICT, "state-version");
	err_hint(err, "a newer bpfnet wrote the file: use that one");
	return -EPROTO;
}

/* line: of len bytes, its end and sum included. */
static int on_line(struct reading *r, char *line, size_t len, struct err *err)
{
	char *word = line + 2;
	size_t kind, kind_len;

	if (!sum_is_right(line, len))
		return damage(r, err, "the line's sum is wrong");
	line[len - END_LEN] = '\0';
	if (line[0] == '!')
		return on_policy(r, word, err);
	kind = kind_of(word, &kind_len);
	if (line[0] == '.' && kind == OBJECT_RULE && word[kind_len])
		return list_add(&r->waiting, word + kind_len + 1) ?
			       no_memory(err) :
			       0;
	if (!strchr("+?-", line[0]) || kind == OBJECT_RULE)
		return damage(r, err, "no such line");
	if (kind == KINDS)
		return unknown_kind(r, word, err);
	on_object(r, line[0], kind, word, kind_len);
	return 0;
}

static size_t count_lines(const char *text, size_t len)
{
	const char *end = text + len;
	size_t count = 0;

	while ((text = memchr(text, '\n', end - text))) {
		text++;
		count++;
	}
	return count;
}

/* A damaged line ends the reading, unless what can be read is wanted. */
static int salvaged(struct reading *r, int rc, const struct err *err)
{
	if ((rc != -EINVAL && rc != -EPROTO) || !r->salvage)
		return rc;
	r->damaged = r->line;
	log_warn("%s", err->text);
	return 0;
}

/* from: behind the head. */
static int read_lines(struct reading *r, char *text, size_t from, size_t len,
		      struct err *err)
{
	char *line = text + from, *end;
	int rc = 0;

	while (!rc && (end = memchr(line, '\n', text + len - line))) {
		r->line++;
		rc = salvaged(r, on_line(r, line, end + 1 - line, err), err);
		line = end + 1;
		/* Rules that wait for ever were not written to their end. */
		if (!r->waiting.count)
			r->state->valid = line - text;
	}
	return rc;
}

/* The lines of a head begin a journal, one for each kind that its writer
 * knew: all of these. */
static int read_head(struct reading *r, char *text, size_t len,
		     size_t *ret_from, struct err *err)
{
	char known[KINDS] = { 0 };
	char *line = text, *end;
	size_t kind, kind_len;

	while (len && line[0] == '#' &&
	       (end = memchr(line, '\n', text + len - line))) {
		r->line++;
		if (!sum_is_right(line, end + 1 - line))
			return damage(r, err, "the line's sum is wrong");
		end[1 - END_LEN] = '\0';
		kind = kind_of(line + 2, &kind_len);
		if (kind < KINDS && line[2 + kind_len] &&
		    fields_layout(kind, line + 2 + kind_len + 1,
				  &r->layouts[kind], err))
			return damage(r, err, "fields are missing");
		if (kind < KINDS)
			known[kind] = 1;
		line = end + 1;
		*ret_from = line - text;
	}
	if (!memchr(known, 0, KINDS))
		return 0;
	r->line = 1;
	return damage(r, err, "not a journal that bpfnet has written");
}

/* New lines can only follow a head that says what this version writes. */
static int compare_head(struct reading *r, const char *text, size_t len,
			struct err *err)
{
	_cleanup_free_ char *head = NULL;
	size_t head_len = 0;
	FILE *out = open_memstream(&head, &head_len);

	if (!out)
		return no_memory(err);
	journal_head(out);
	if (fclose(out))
		return no_memory(err);
	r->state->outdated =
		len < head_len || memcmp(text, head, head_len) != 0;
	return 0;
}

/* --------------------------------------------------------- from words to models */

/* The words are cut up: the first one, which ends with a NUL now, is the
 * object's name. */
static int bad_object(struct reading *r, enum object_kind kind,
		      const char *words, int rc, struct err *err)
{
	err_prefix(err, "%s: %s %s", r->path, kind_name[kind], words);
	if (rc != -EPROTO)
		err_hint(err, HINT_DAMAGED);
	return rc;
}

static int take_object(struct reading *r, struct model *model,
		       enum object_kind kind, char *words, struct err *err)
{
	union object object;
	int rc = fields_parse(kind, &r->layouts[kind], words, &object, err);

	/* What a newer version has recorded can be removed as well as anything
	 * else. */
	if (rc == -EPROTO && r->salvage)
		rc = 0;
	if (!rc && kind == OBJECT_PUBLISH &&
	    object.publish.port_last < object.publish.port)
		rc = err_set(err, -EINVAL,
			     "field 'port_last' is missing or wrong");
	if (rc)
		return bad_object(r, kind, words, rc, err);
	return model_add_object(model, kind, &object) ? 0 : no_memory(err);
}

/* Of one kind, as people sort names: with the numbers in them rising. */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = *(const struct entry *const *)a;
	const struct entry *right = *(const struct entry *const *)b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return strverscmp(left->key, right->key);
}

/* The living entries of a kind, in order; how many. Mostly they are in order
 * already: the journal was written anew with all that was there, and little has
 * come since. */
static size_t sort_kind(const struct reading *r, size_t kind,
			struct entry **ret)
{
	bool ordered = true;
	size_t count = 0;

	for (size_t i = 0; i < r->nentries; i++) {
		if (r->entries[i].kind != kind || r->entries[i].op == '-')
			continue;
		ret[count++] = &r->entries[i];
		if (count > 1 &&
		    compare_entries(&ret[count - 2], &ret[count - 1]) > 0)
			ordered = false;
	}
	if (!ordered)
		qsort(ret, count, sizeof(*ret), compare_entries);
	return count;
}

/* A damaged line may have said that the object was finished: what nobody
 * finished is removed, so nobody may take this one for that. */
static void trust_unfinished(struct reading *r)
{
	for (size_t i = 0; i < r->nentries; i++)
		if (r->entries[i].op == '?' && r->entries[i].line < r->damaged)
			r->entries[i].op = '+';
}

static int take_objects(struct reading *r, struct err *err)
{
	_cleanup_free_ struct entry **sorted =
		calloc(r->nentries + 1, sizeof(*sorted));
	size_t count = 0;
	int rc = 0;

	if (!sorted)
		return no_memory(err);
	trust_unfinished(r);
	for (size_t kind = 0; kind < KINDS; kind++)
		count += sort_kind(r, kind, sorted + count);
	for (size_t i = 0; i < count && !rc; i++) {
		const struct entry *entry = sorted[i];
		struct model *model = entry->op == '+' ? &r->state->model :
							 &r->state->leftovers;

		rc = salvaged(
			r,
			take_object(r, model, entry->kind, entry->words, err),
			err);
	}
	r->state->waste += r->nentries - count;
	return rc;
}

static int take_rules(struct reading *r, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < r->rules.count && !rc; i++)
		rc = salvaged(r,
			      take_object(r, &r->state->model, OBJECT_RULE,
					  r->rules.words[i], err),
			      err);
	return rc;
}

static int read_all(struct reading *r, char *text, size_t len, struct err *err)
{
	size_t lines = count_lines(text, len), from = 0;
	int rc;

	r->entries = calloc(lines + 1, sizeof(*r->entries));
	if (!r->entries || index_make(lines, &r->index))
		return no_memory(err);
	rc = compare_head(r, text, len, err);
	/* What holds where the head says nothing. */
	for (size_t kind = 0; kind < KINDS; kind++)
		fields_own_layout(kind, &r->layouts[kind]);
	rc = rc ? rc : salvaged(r, read_head(r, text, len, &from, err), err);
	if (rc)
		return rc;
	r->state->valid = from;
	rc = read_lines(r, text, from, len, err);
	r->state->waste = lines - r->nentries - r->rules.count;
	rc = rc ? rc : take_objects(r, err);
	return rc ? rc : take_rules(r, err);
}

int journal_read(const char *path, char *text, size_t len, bool salvage,
		 struct state *state, struct err *err)
{
	struct reading reading = {
		.path = path,
		.salvage = salvage,
		.state = state,
	};
	int rc = read_all(&reading, text, len, err);

	index_free(&reading.index);
	free(reading.entries);
	free(reading.rules.words);
	free(reading.waiting.words);
	return rc;
}

/* ---------------------------------------------------- of another kind */

static int each_line(struct reading *r, char *line, size_t len,
		     int (*visit)(const struct journal_line *line, void *arg,
				  struct err *err),
		     void *arg, struct err *err)
{
	struct journal_line found = { .op = line[0] };
	char *word = line + 2, *words;
	union object object;
	size_t kind, kind_len;
	int rc;

	if (!sum_is_right(line, len))
		return damage(r, err, "the line's sum is wrong");
	line[len - END_LEN] = '\0';
	kind = kind_of(word, &kind_len);
	if (kind == KINDS)
		return unknown_kind(r, word, err);
	words = word + kind_len + (word[kind_len] == ' ');
	found.kind = kind;
	found.key = words;
	if (found.op == '-')
		return visit(&found, arg, err);
	rc = fields_parse(kind, &r->layouts[kind], words, &object, err);
	if (rc)
		return bad_object(r, kind, words, rc, err);
	found.object = &object;
	return visit(&found, arg, err);
}

int journal_each(const char *path, char *text, size_t len,
		 int (*visit)(const struct journal_line *line, void *arg,
			      struct err *err),
		 void *arg, struct err *err)
{
	struct reading reading = { .path = path };
	size_t from = 0;
	char *line, *end;
	int rc = read_head(&reading, text, len, &from, err);

	for (line = text + from;
	     !rc && (end = memchr(line, '\n', text + len - line));
	     line = end + 1) {
		reading.line++;
		rc = each_line(&reading, line, end + 1 - line, visit, arg, err);
	}
	if (!rc && line != text + len) {
		reading.line++;
		rc = damage(&reading, err, "the line has no end");
	}
	return rc;
}
