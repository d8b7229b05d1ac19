/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* record - one JSON file of an instance, read and replaced as a whole */
#ifndef BPFNET_RECORD_H
#define BPFNET_RECORD_H

#include <jansson.h>

#include "lib/err.h"

/* Takes json over; NULL (out of memory while it was made) is reported. Makes
 * the directory. */
int record_write(const char *path, json_t *json, struct err *err);
/* -EINVAL, with the place in the file, for what is no JSON. */
int record_read(const char *path, json_t **ret, struct err *err);
/* No failure when there is none. */
int record_del(const char *path, struct err *err);
/* Adds what the user can do about a file that err tells of; that of a newer
 * version (-EPROTO) says so itself. Returns rc. */
int record_damaged(int rc, struct err *err);

#endif
