/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* waiter - a process that rolls back what nobody confirms */
#ifndef BPFNET_WAITER_H
#define BPFNET_WAITER_H

#include "control/control.h"

/*
 * A process of its own, which outlives the shell, the session and the command
 * that started it. It is started before the instance is opened, so that it has
 * nothing of it, and waits until waiter_go says that there is something to wait
 * for; when the command ends without that, so does the waiter. It ends as soon
 * as nothing waits for confirmation any more.
 */
int waiter_start(const struct instance *instance, int *ret_fd, struct err *err);
void waiter_go(int fd);

#endif
