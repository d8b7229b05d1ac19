/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fields - a model object as JSON and back, from one table for each kind */
#ifndef BPFNET_FIELDS_H
#define BPFNET_FIELDS_H

#include <jansson.h>

#include "model/check.h"

/*
 * Records outlive the bpfnet that wrote them. A field that a version adds is
 * marked as later in its table: a record without it is an older one, and has the
 * default, which means what was so before. Where a new field says no more than
 * that, it is not written, so that the version before can read the record. A
 * field that is not known is refused.
 */

/* New reference; NULL when out of memory. kind says what object points to. */
json_t *fields_to_json(enum object_kind kind, const void *object);

/* Fills object, all of it. -EINVAL with the name of the field that is missing,
 * of the wrong type or out of range. -EPROTO: there is a field that this version
 * does not know; object has the others. */
int fields_from_json(enum object_kind kind, json_t *json, void *object,
		     struct err *err);

#endif
