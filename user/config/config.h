/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* config - the configuration file: read into a model, written from a model */
#ifndef BPFNET_CONFIG_H
#define BPFNET_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "model/model.h"

/* Called for every finding with a complete line, "FILE:LINE:COL: message". */
typedef void (*config_report)(void *arg, const char *line);

/* Where the objects of a file that was read stand in it. */
struct config_places;

void config_places_free(struct config_places *places);
/* "FILE:LINE:COL" of the object that object_print writes so. places and model are
 * from one config_read. False when the file has no such object. */
bool config_place(const struct config_places *places, const struct model *model,
		  const char *object, char *buf, size_t size);

/*
 * Reads YAML or JSON (decided by the first byte that is not blank: '{' is
 * JSON) from path, "-" for standard input, into an uninitialised ret model, all
 * objects with origin ORIGIN_FILE. Every finding is reported, not just the
 * first; unknown keys come with a suggestion, model_check's findings with the
 * place of the object. Writes ret only on success. Else err says how many
 * findings there were ("FILE: 3 errors"), exit code 2, or 4 when all of them
 * are conflicts, or that the file cannot be read (exit 3 or 7). On success also
 * ret_places, unless it is NULL, to be freed by the caller. What is DIR/NAME.yaml
 * is followed by DIR/NAME.d/?*.yaml, see bpfnet.yaml(5).
 */
int config_read(const char *path, config_report report, void *arg,
		struct model *ret, struct config_places **ret_places,
		struct err *err);

/* As config_read, from memory and without drop-ins; name stands for FILE. */
int config_parse(const char *name, const char *text, size_t len,
		 config_report report, void *arg, struct model *ret,
		 struct err *err);

/* Writes the model as YAML that config_read accepts and that makes the same
 * model again (all filled fields that users can write are written out). */
void config_print(const struct model *model, FILE *out);
/* The same as JSON of the same shape. */
void config_print_json(const struct model *model, FILE *out);

#endif
