/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* err - what went wrong, for the user: text, hint, kind and exit code */
#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int code;
	enum exit_code exit;
	const char *kind;
} kinds[] = {
	{ -ENOENT, EXIT_NOT_FOUND, "not-found" },
	{ -ENODEV, EXIT_NOT_FOUND, "not-found" },
	{ -ESRCH, EXIT_NOT_FOUND, "not-found" },
	{ -EEXIST, EXIT_CONFLICT, "conflict" },
	{ -EBUSY, EXIT_CONFLICT, "conflict" },
	{ -EADDRINUSE, EXIT_CONFLICT, "conflict" },
	{ -EAGAIN, EXIT_LOCKED, "locked" },
	{ -EPERM, EXIT_PERMISSION, "permission" },
	{ -EACCES, EXIT_PERMISSION, "permission" },
	{ -EOPNOTSUPP, EXIT_KERNEL, "kernel" },
	{ -ENOSYS, EXIT_KERNEL, "kernel" },
};

/* Errors are one line, and none commands a terminal, whatever the user, a kernel
 * or a file put into them. */
static void flatten(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
}

void err_kind(struct err *err, enum exit_code exit, const char *kind)
{
	if (!err)
		return;
	err->exit = exit;
	snprintf(err->kind, sizeof(err->kind), "%s", kind);
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	if (!err)
		return code;

	/* The arguments may point into the old text. */
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	memcpy(err->text, text, sizeof(text));
	flatten(err->text);
	err->code = code;
	err->hint[0] = '\0';
	err->about[0] = '\0';
	err_kind(err, EXIT_FAILED, "failed");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].code == code)
			err_kind(err, kinds[i].exit, kinds[i].kind);
	return code;
}

int err_usage(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	err_set(err, -EINVAL, "%s", text);
	err_kind(err, EXIT_USAGE, "usage");
	return -EINVAL;
}

void err_hint(struct err *err, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
	flatten(err->hint);
}

void err_about(struct err *err, const char *fmt, ...)
{
	va_list args;

	if (!err || err->about[0])
		return;
	va_start(args, fmt);
	vsnprintf(err->about, sizeof(err->about), fmt, args);
	va_end(args);
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char text[2 * sizeof(err->text)];
	va_list args;
	int len;

	if (!err)
		return -EIO;
	va_start(args, fmt);
	len = vsnprintf(text, sizeof(err->text), fmt, args);
	va_end(args);

	if (len < 0 || (size_t)len >= sizeof(err->text))
		return err->code;
	snprintf(text + len, sizeof(text) - len, ": %s", err->text);
	memcpy(err->text, text, sizeof(err->text));
	err->text[sizeof(err->text) - 1] = '\0';
	return err->code;
}
