/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fault - a function run in a child whose system calls fail, or kill it */
#ifndef BPFNET_TEST_FAULT_H
#define BPFNET_TEST_FAULT_H

#include <stdbool.h>

#include "lib/err.h"

/*
 * What is tested knows nothing of this: the child is under a seccomp filter
 * that asks its parent about every system call, save those that neither change
 * anything nor can reasonably fail. Each one that is asked about counts as one
 * operation, from 1 on.
 */
enum fault_kind {
	FAULT_NONE, /* only counted */
	FAULT_FAIL, /* this operation is not done and fails with EIO */
	FAULT_KILL, /* the child is killed before it, as by kill -9 */
};

/* Of which operations. */
enum fault_of {
	/* What changes something that is there when the process is gone. Of
	 * operations that do the same to something of the same kind, after
	 * one that did the same, the first two and each 16th. */
	FAULT_OF_SAMPLES,
	/* All of them; of elements of one map, two and each 256th. */
	FAULT_OF_CHANGES,
	FAULT_OF_HOOKS, /* a sample of queueing disciplines and filters */
	FAULT_OF_ALL, /* each element as well, and what only reads */
};

struct fault {
	enum fault_kind kind;
	enum fault_of which;
	unsigned int at; /* which of these operations */
	/* Programs are loaded without their instructions: much faster, but
	 * whatever runs them does nothing. */
	bool short_programs;
};

struct outcome {
	unsigned int count; /* of operations */
	bool hit; /* there was an operation with that number */
	char what[128]; /* that operation, for messages */
	int status; /* what fn returned; -EINTR: it was killed */
	struct err err; /* that fn filled */
};

/* Runs fn(arg, err) in a child and waits for its end. Aborts the test when that
 * cannot be done. */
void fault_run(const struct fault *fault, int (*fn)(void *arg, struct err *err),
	       void *arg, struct outcome *ret);

#endif
