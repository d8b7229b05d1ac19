/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* reasons - label and help text of every reason, from the one list */
#include "datapath/datapath.h"

#define REASON_LABEL(name, label, text) [REASON_##name] = label,
const char *const reason_label[REASON_COUNT] = { REASONS(REASON_LABEL) };

#define REASON_TEXT(name, label, text) [REASON_##name] = text,
const char *const reason_text[REASON_COUNT] = { REASONS(REASON_TEXT) };
