/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* check - the one validator of a model, for files and commands alike */
#ifndef BPFNET_CHECK_H
#define BPFNET_CHECK_H

#include "model/model.h"

/* Which of the settings a finding is about. */
enum setting {
	SETTING_NAT_PORTS,
	SETTING_MAX, /* this and all that follow: of the flows */
	SETTING_PER_ENDPOINT,
	SETTING_TCP_ESTABLISHED,
	SETTING_TCP_HALF_OPEN,
	SETTING_TCP_CLOSING,
	SETTING_TCP_RESET,
	SETTING_UDP,
	SETTING_UDP_STREAM,
	SETTING_ICMP,
	SETTING_OTHER,
	SETTING_COUNT,
};
/* What err_about calls one of them. */
#define SETTING_TEXT "setting %zu"

/* Their names in a file. */
extern const char *const setting_key[SETTING_COUNT];

/* One finding. index: position in the model's array of that kind, or which
 * setting. err: text, hint, kind and exit code (conflict/4, not-found/3,
 * usage/2). */
typedef void (*check_report)(void *arg, enum object_kind kind, size_t index,
			     const struct err *err);

/*
 * Reports everything that is wrong with the model as a whole: invalid or
 * doubled names, unknown networks or endpoints, subnets that overlap or have
 * host bits, gateways and addresses outside their subnet, taken, the gateway's
 * or the network's own, a port published twice (the message names the owner),
 * ports without tcp or udp, limits exceeded, a cable with more than two ends,
 * ports and rules where nothing passes the host. Returns how many findings there
 * were.
 */
size_t model_check(const struct model *model, check_report report, void *arg);

/* For commands: the first finding in err; 0 or err->code. */
int model_check_first(const struct model *model, struct err *err);

#endif
