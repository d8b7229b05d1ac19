/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* patience - says who holds a lock that somebody waits for */
#ifndef BPFNET_PATIENCE_H
#define BPFNET_PATIENCE_H

#include <pthread.h>
#include <stdbool.h>

struct patience {
	int lock;
	int stop[2]; /* a pipe, closed when the wait is over */
	pthread_t thread;
	bool runs;
};

/*
 * Around a wait for a lock, a descriptor: after a second, one warning tells of
 * it. The wait itself goes on meanwhile: whoever interrupts it loses his place
 * in the queue. The calling thread gets all signals.
 */
void patience_begin(struct patience *patience, int lock);
void patience_end(struct patience *patience);

#endif
