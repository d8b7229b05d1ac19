/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* output - results on stdout as table, line or JSON; errors on stderr */
#include "cli/output.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"

#define COLUMNS_MAX 32

json_t *output_root(void)
{
	return json_pack("{s:s}", "schema", "bpfnet/1");
}

static int out_of_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

int output_json(const struct cli *cli, json_t *root, struct err *err)
{
	int rc;

	if (!root)
		return out_of_memory(err);
	rc = json_dumpf(root, stdout,
			cli->pretty ? JSON_INDENT(2) : JSON_COMPACT);
	json_decref(root);
	putchar('\n');
	/* output_finish tells what went wrong with stdout itself. */
	return rc && !ferror(stdout) ? out_of_memory(err) : 0;
}

static void cell_print(json_t *value, FILE *out)
{
	json_t *item;
	const char *key;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_STRING:
		fputs(json_string_value(value), out);
		break;
	case JSON_INTEGER:
		fprintf(out, "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		fputs(json_is_true(value) ? "yes" : "no", out);
		break;
	case JSON_ARRAY:
		json_array_foreach(value, i, item)
		{
			fputs(i ? "," : "", out);
			cell_print(item, out);
		}
		break;
	case JSON_OBJECT:
		/* Counters by name: those that have counted something. */
		i = 0;
		json_object_foreach(value, key, item)
		{
			if (json_is_integer(item) && !json_integer_value(item))
				continue;
			fprintf(out, "%s%s=", i++ ? "," : "", key);
			cell_print(item, out);
		}
		break;
	case JSON_NULL:
	case JSON_REAL:
		break;
	}
}

/* The text of a value in a table, to be freed; NULL: out of memory. */
static char *cell_text(json_t *value)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	if (value)
		cell_print(value, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static bool key_matches(const char *key, const char *name, size_t len)
{
	if (strlen(key) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i] == '-' ? '_' : tolower((unsigned char)name[i]);

		if (key[i] != c)
			return false;
	}
	return true;
}

static int column_unknown(const struct column *columns, const char *name,
			  struct err *err)
{
	char known[200] = "";
	size_t used = 0;

	for (const struct column *c = columns; c->key; c++)
		if (used < sizeof(known))
			used += snprintf(known + used, sizeof(known) - used,
					 "%s%s", used ? "," : "", c->key);
	err_usage(err, "unknown column '%s'", name);
	err_hint(err, "known: %s", known);
	return -EINVAL;
}

/* Which keys a table shows: the columns' or those of -o. */
static int columns_choose(const struct cli *cli, const struct column *columns,
			  const char *keys[COLUMNS_MAX], size_t *ret_count,
			  struct err *err)
{
	const char *at = cli->columns;
	size_t count = 0;

	for (const struct column *c = columns; !at && c->key; c++)
		if (!c->optional)
			keys[count++] = c->key;

	while (at && *at && count < COLUMNS_MAX) {
		size_t len = strcspn(at, ",");
		const struct column *c = columns;
		char name[32];

		while (c->key && !key_matches(c->key, at, len))
			c++;
		if (!c->key) {
			snprintf(name, sizeof(name), "%.*s", (int)len, at);
			return column_unknown(columns, name, err);
		}
		keys[count++] = c->key;
		at += len + (at[len] == ',');
	}
	*ret_count = count;
	return 0;
}

int output_check_columns(const struct cli *cli, const struct column *columns,
			 struct err *err)
{
	const char *keys[COLUMNS_MAX];
	size_t count;

	return columns_choose(cli, columns, keys, &count, err);
}

static int table_add_column(struct libscols_table *table, const char *key,
			    bool number)
{
	struct libscols_column *column;
	char header[32];
	size_t i;

	for (i = 0; i < sizeof(header) - 1 && key[i]; i++)
		header[i] =
			key[i] == '_' ? '-' : toupper((unsigned char)key[i]);
	header[i] = '\0';

	column = scols_table_new_column(table, header, 0,
					number ? SCOLS_FL_RIGHT : 0);
	if (!column)
		return -ENOMEM;
	return scols_cell_set_color(scols_column_get_header(column), "bold");
}

static int table_fill(struct libscols_table *table, json_t *objects,
		      const char *const *keys, size_t count)
{
	const json_t *first = json_array_get(objects, 0);
	json_t *object;
	size_t i;

	for (size_t k = 0; k < count; k++)
		if (table_add_column(
			    table, keys[k],
			    json_is_integer(json_object_get(first, keys[k]))))
			return -ENOMEM;

	json_array_foreach(objects, i, object)
	{
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (size_t k = 0; line && k < count; k++) {
			char *text =
				cell_text(json_object_get(object, keys[k]));

			if (!text || scols_line_refer_data(line, k, text))
				return -ENOMEM;
		}
		if (!line)
			return -ENOMEM;
	}
	return 0;
}

static bool color_wanted(const struct cli *cli)
{
	return cli->color == COLOR_ALWAYS ||
	       (cli->color == COLOR_AUTO && isatty(STDOUT_FILENO));
}

static int table_print(const struct cli *cli, json_t *objects,
		       const char *const *keys, size_t count, struct err *err)
{
	struct libscols_table *table = scols_new_table();
	int rc = -ENOMEM;

	if (!table)
		return out_of_memory(err);
	/* Lines stay lines, whatever the terminal's width: they get piped. */
	scols_table_enable_nowrap(table, 1);
	scols_table_enable_colors(table, color_wanted(cli));
	if (!table_fill(table, objects, keys, count))
		rc = scols_print_table(table);
	scols_unref_table(table);
	return rc && !ferror(stdout) ? out_of_memory(err) : 0;
}

int output_list(const struct cli *cli, json_t *root, const char *key,
		const struct column *columns, struct err *err)
{
	const char *keys[COLUMNS_MAX];
	json_t *objects;
	size_t count = 0;
	int rc;

	if (!root)
		return out_of_memory(err);
	/* JSON has all of them, but a wrong name is wrong there, too. */
	rc = columns_choose(cli, columns, keys, &count, err);
	if (!rc && cli->json)
		return output_json(cli, root, err);

	objects = json_object_get(root, key);
	if (!rc && !objects)
		rc = out_of_memory(err);
	if (!rc && json_array_size(objects))
		rc = table_print(cli, objects, keys, count, err);
	json_decref(root);
	return rc;
}

int output_show(const struct cli *cli, json_t *root, const char *key,
		struct err *err)
{
	json_t *object, *value;
	const char *name;
	size_t i;

	if (!root)
		return out_of_memory(err);
	if (cli->json)
		return output_json(cli, root, err);

	json_array_foreach(json_object_get(root, key), i, object)
	{
		if (i)
			putchar('\n');
		json_object_foreach(object, name, value)
		{
			printf("%-14s", name);
			cell_print(value, stdout);
			putchar('\n');
		}
	}
	json_decref(root);
	return 0;
}

void output_done(const struct cli *cli, const char *fmt, ...)
{
	va_list args;

	if (cli->quiet || cli->json || cli->dry_run)
		return;
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

void output_error(const struct cli *cli, const struct err *err)
{
	json_t *root;

	fprintf(stderr, "bpfnet: %s", err->text);
	if (err->hint[0])
		fprintf(stderr, " (%s)", err->hint);
	fputc('\n', stderr);
	if (!cli->json)
		return;

	root = json_pack("{s:{s:i,s:o,s:o,s:o}}", "error", "code", err->exit,
			 "kind", json_text(err->kind), "message",
			 json_text(err->text), "hint", json_text(err->hint));
	if (!root)
		return;
	json_dumpf(root, stderr, JSON_COMPACT);
	fputc('\n', stderr);
	json_decref(root);
}

int output_finish(struct err *err)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fflush(stdout) || failed)
		return err_set(err, -EIO, "write to standard output: %s",
			       errno ? strerror(errno) : "failed");
	return 0;
}
