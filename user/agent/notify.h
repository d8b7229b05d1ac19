/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* notify - tells a service manager how the agent is, see sd_notify(3) */
#ifndef BPFNET_NOTIFY_H
#define BPFNET_NOTIFY_H

/* Nothing happens when nobody asked for it, or does not listen. */
void notify_ready(void);
void notify_stopping(void);
/* At least every WATCHDOG_USEC / 2 while all is well. */
void notify_alive(void);

#endif
