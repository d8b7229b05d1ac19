/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* emit - a JSON value as YAML that people like to read */
#include "config/emit.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Plain words that other readers of YAML take for something else. */
static bool is_ambiguous(const char *text)
{
	static const char *const words[] = { "y",    "n",     "yes",
					     "no",   "on",    "off",
					     "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(text, words[i]))
			return true;
	return false;
}

/*
 * Names, addresses and prefixes go without quotes; so does "8000s", but not
 * what is a number or a time to others, as 80:80 and 1e3.
 */
static bool is_plain(const char *text)
{
	static const char inside[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789_.-/";
	bool dotted = strchr(text, '.');

	if (!isalnum((unsigned char)text[0]) || is_ambiguous(text) ||
	    strspn(text, inside) != strlen(text))
		return false;
	if (isalpha((unsigned char)text[0]))
		return true;
	return dotted ? strchr(strchr(text, '.') + 1, '.') != NULL :
			text[strlen(text) - 1] == 's';
}

static void emit_text(const char *text, FILE *out)
{
	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if ((unsigned char)*c < ' ' || *c == 0x7f)
			fprintf(out, "\\x%02x", (unsigned int)*c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

static void emit_flow(json_t *json, FILE *out);

static void emit_flow_list(json_t *json, FILE *out)
{
	fputc('[', out);
	for (size_t i = 0; i < json_array_size(json); i++) {
		if (i)
			fputs(", ", out);
		emit_flow(json_array_get(json, i), out);
	}
	fputc(']', out);
}

static void emit_flow_mapping(json_t *json, FILE *out)
{
	const char *separator = "";

	fputc('{', out);
	for (void *i = json_object_iter(json); i;
	     i = json_object_iter_next(json, i)) {
		fputs(separator, out);
		emit_text(json_object_iter_key(i), out);
		fputs(": ", out);
		emit_flow(json_object_iter_value(i), out);
		separator = ", ";
	}
	fputc('}', out);
}

static void emit_flow(json_t *json, FILE *out)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		emit_flow_mapping(json, out);
		break;
	case JSON_ARRAY:
		emit_flow_list(json, out);
		break;
	case JSON_STRING:
		emit_text(json_string_value(json), out);
		break;
	case JSON_INTEGER:
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
		break;
	case JSON_TRUE:
		fputs("true", out);
		break;
	case JSON_FALSE:
		fputs("false", out);
		break;
	default:
		fputs("~", out);
	}
}

/* One member of the top level and, line by line, what it holds. */
static void emit_section(const char *name, json_t *section, FILE *out)
{
	emit_text(name, out);
	fputc(':', out);
	if (!json_is_object(section) && !json_is_array(section)) {
		fputc(' ', out);
		emit_flow(section, out);
	}
	fputc('\n', out);
	for (void *i = json_object_iter(section); i;
	     i = json_object_iter_next(section, i)) {
		fputs("  ", out);
		emit_text(json_object_iter_key(i), out);
		fputs(": ", out);
		emit_flow(json_object_iter_value(i), out);
		fputc('\n', out);
	}
	for (size_t i = 0; i < json_array_size(section); i++) {
		fputs("  - ", out);
		emit_flow(json_array_get(section, i), out);
		fputc('\n', out);
	}
}

void emit_yaml(json_t *json, FILE *out)
{
	for (void *i = json_object_iter(json); i;
	     i = json_object_iter_next(json, i))
		emit_section(json_object_iter_key(i), json_object_iter_value(i),
			     out);
}
