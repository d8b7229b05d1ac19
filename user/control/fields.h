/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fields - a model object as JSON and back, from one table for each kind */
#ifndef BPFNET_FIELDS_H
#define BPFNET_FIELDS_H

#include <jansson.h>

#include "model/check.h"

/* New reference; NULL when out of memory. kind says what object points to. */
json_t *fields_to_json(enum object_kind kind, const void *object);

/* Fills object, which is zeroed first; what an older version did not know stays
 * so. -EINVAL with the name of the field that
 * is missing, of the wrong type or out of range. */
int fields_from_json(enum object_kind kind, const json_t *json, void *object,
		     struct err *err);

#endif
