/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* err - what went wrong, for the user: text, hint, kind and exit code */
#ifndef BPFNET_ERR_H
#define BPFNET_ERR_H

/* The process's exit codes, part of the command line's contract. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_CONFLICT = 4,
	EXIT_DIFFERS = 5,
	EXIT_LOCKED = 6,
	EXIT_PERMISSION = 7,
	EXIT_KERNEL = 8,
};

/*
 * Filled by the function that fails; callers put their context in front with
 * err_prefix. Printed as "bpfnet: TEXT (HINT)", always one line.
 */
struct err {
	int code; /* negative errno */
	enum exit_code exit;
	char kind[32]; /* stable word for scripts, e.g. "port-in-use" */
	char text[480];
	char hint[240];
	char about[96]; /* the object that it is about, see err_about; or "" */
};

/*
 * Sets text; kind and exit code follow from code (-ENOENT: not-found/3,
 * -EEXIST, -EBUSY, -EADDRINUSE: conflict/4, -EAGAIN: locked/6, -EPERM,
 * -EACCES: permission/7, -EOPNOTSUPP, -ENOSYS: kernel/8, else failed/1); the
 * hint and what it is about are emptied. Returns code. A NULL err is allowed everywhere.
 */
__attribute__((format(printf, 3, 4))) int err_set(struct err *err, int code,
						  const char *fmt, ...);

/* Bad input of the user: exit code 2, kind "usage". Returns -EINVAL. */
__attribute__((format(printf, 2, 3))) int err_usage(struct err *err,
						    const char *fmt, ...);

/* Overrides what err_set derived. */
void err_kind(struct err *err, enum exit_code exit, const char *kind);

/* Says what the user can do about it. */
__attribute__((format(printf, 2, 3))) void err_hint(struct err *err,
						    const char *fmt, ...);

/* Names the object that it is about, so that whoever has it from a file can say
 * where it stands. The first one that is named stays. */
__attribute__((format(printf, 2, 3))) void err_about(struct err *err,
						     const char *fmt, ...);

/* Puts "WHERE: " in front of the text. Returns err->code, to be returned. */
__attribute__((format(printf, 2, 3))) int err_prefix(struct err *err,
						     const char *fmt, ...);

#endif
