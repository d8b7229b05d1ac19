/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* json - whether a text is JSON */
#include <errno.h>
#include <jansson.h>

#include "config/tree.h"

/*
 * jansson knows the syntax but no positions of values, so the tree is built by
 * libyaml, to which all JSON is YAML: this only refuses what YAML takes and
 * JSON does not. Doubled keys are found with the tree, where both have places.
 */
int json_check(const struct source *source, struct findings *f)
{
	struct position at = { .source = source };
	json_error_t error;
	json_t *json = json_loadb(source->text, source->len, 0, &error);

	if (json) {
		json_decref(json);
		return 0;
	}
	if (json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	at.line = error.line > 0 ? (size_t)error.line : 1;
	at.column = error.column > 0 ? (size_t)error.column : 1;
	findings_put(f, at, "not JSON", "%s", error.text);
	return -EINVAL;
}
