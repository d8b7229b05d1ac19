/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* json - what jansson lacks: any bytes as a string, our types as values */
#include "lib/json.h"

#include <string.h>

#include "lib/cleanup.h"

json_t *json_text(const char *text)
{
	_cleanup_free_ char *copy = NULL;
	json_t *json = json_string(text);

	if (json)
		return json;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *c = copy; *c; c++)
		if (*c & 0x80)
			*c = '?';
	return json_string(copy);
}

json_t *json_ip(const struct ipaddr *ip)
{
	char text[IP_TEXT_MAX];

	return json_string(ip_print(ip, text));
}

json_t *json_cidr(const struct cidr *cidr)
{
	char text[CIDR_TEXT_MAX];

	return json_string(cidr_print(cidr, text));
}

json_t *json_mac(const __u8 mac[6])
{
	char text[MAC_TEXT_MAX];

	return json_string(mac_print(mac, text));
}
