/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* json - what jansson lacks: any bytes as a string, our types as values */
#ifndef BPFNET_JSON_H
#define BPFNET_JSON_H

#include <jansson.h>

#include "lib/ip.h"

/* New references, NULL when out of memory. */

/* Bytes that are no UTF-8 (device names may hold any) become '?'. */
json_t *json_text(const char *text);
json_t *json_ip(const struct ipaddr *ip);
json_t *json_cidr(const struct cidr *cidr);
json_t *json_mac(const __u8 mac[6]);

#endif
