/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fields - a model object as JSON and back, from one table for each kind */
#include "control/fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"

enum field_type {
	FIELD_TEXT,
	FIELD_BOOL,
	FIELD_UINT, /* 1, 2, 4 or 8 bytes; enums, too */
	FIELD_IP,
	FIELD_MAC,
	FIELD_IPS, /* array with a count beside it */
	FIELD_CIDRS, /* likewise */
	FIELD_PORTS, /* likewise */
	FIELD_PEER,
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	size_t size; /* of the member, of the whole array */
	__u32 max; /* FIELD_UINT: the highest value, 0: what fits */
	size_t count_offset; /* arrays: of their size_t */
	bool later; /* records of earlier versions do not have it */
};

/* Their last arguments are more of struct field's members. The default of what is
 * marked as later (fields_default) means what was so before it was there. */
#define FIELD(kind, member, type_, ...)                                 \
	{                                                               \
		.name = #member, .type = type_,                         \
		.offset = offsetof(struct kind, member),                \
		.size = sizeof(((struct kind *)0)->member), __VA_ARGS__ \
	}
#define NUMBER(kind, member, max_)                                        \
	{                                                                 \
		.name = #member, .type = FIELD_UINT,                      \
		.offset = offsetof(struct kind, member),                  \
		.size = sizeof(((struct kind *)0)->member), .max = (max_) \
	}
#define ARRAY(kind, member, count, type_, ...)                            \
	{                                                                 \
		.name = #member, .type = type_,                           \
		.offset = offsetof(struct kind, member),                  \
		.size = sizeof(((struct kind *)0)->member),               \
		.count_offset = offsetof(struct kind, count), __VA_ARGS__ \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

static const struct field settings_fields[] = {
	FIELD(settings, uplink_auto, FIELD_BOOL),
	FIELD(settings, intra_allow, FIELD_BOOL),
	FIELD(settings, inter_allow, FIELD_BOOL),
	FIELD(settings, nat_port_min, FIELD_UINT),
	FIELD(settings, nat_port_max, FIELD_UINT),
	FIELD(settings, flows_max, FIELD_UINT),
	FIELD(settings, flows_per_endpoint, FIELD_UINT),
	FIELD(settings, tcp_established, FIELD_UINT),
	FIELD(settings, tcp_half_open, FIELD_UINT),
	FIELD(settings, tcp_closing, FIELD_UINT),
	FIELD(settings, tcp_reset, FIELD_UINT),
	FIELD(settings, udp, FIELD_UINT),
	FIELD(settings, udp_stream, FIELD_UINT),
	FIELD(settings, icmp, FIELD_UINT),
	FIELD(settings, other, FIELD_UINT),
	END,
};

static const struct field netns_fields[] = {
	FIELD(netns, name, FIELD_TEXT),
	NUMBER(netns, origin, ORIGIN_CNI),
	ARRAY(netns, dns, ndns, FIELD_IPS),
	FIELD(netns, implied, FIELD_BOOL),
	FIELD(netns, adopted, FIELD_BOOL),
	FIELD(netns, cookie, FIELD_UINT, .later = true),
	END,
};

static const struct field network_fields[] = {
	FIELD(network, name, FIELD_TEXT),
	NUMBER(network, origin, ORIGIN_CNI),
	NUMBER(network, type, NETWORK_P2P),
	ARRAY(network, subnets, nsubnets, FIELD_CIDRS),
	ARRAY(network, gateways, nsubnets, FIELD_IPS),
	FIELD(network, gateway_named, FIELD_BOOL, .later = true),
	FIELD(network, range_first, FIELD_IP),
	FIELD(network, range_last, FIELD_IP),
	FIELD(network, internal, FIELD_BOOL),
	FIELD(network, icc, FIELD_BOOL),
	FIELD(network, masquerade, FIELD_BOOL),
	FIELD(network, routed, FIELD_BOOL, .later = true),
	ARRAY(network, snat, nsnat, FIELD_IPS, .later = true),
	ARRAY(network, no_masq, nno_masq, FIELD_CIDRS, .later = true),
	FIELD(network, mtu, FIELD_UINT),
	NUMBER(network, id, NETWORKS_MAX - 1),
	FIELD(network, bridge, FIELD_TEXT),
	FIELD(network, mac, FIELD_MAC),
	END,
};

static const struct field endpoint_fields[] = {
	FIELD(endpoint, name, FIELD_TEXT),
	NUMBER(endpoint, origin, ORIGIN_CNI),
	FIELD(endpoint, network, FIELD_TEXT),
	FIELD(endpoint, netns, FIELD_TEXT),
	FIELD(endpoint, ifname, FIELD_TEXT),
	FIELD(endpoint, host_ifname, FIELD_TEXT),
	ARRAY(endpoint, ips, nips, FIELD_IPS),
	FIELD(endpoint, mac, FIELD_MAC),
	FIELD(endpoint, default_route, FIELD_BOOL),
	NUMBER(endpoint, slot, ENDPOINTS_MAX - 1),
	FIELD(endpoint, netns_cookie, FIELD_UINT, .later = true),
	END,
};

static const struct field uplink_fields[] = {
	FIELD(uplink, ifname, FIELD_TEXT),
	NUMBER(uplink, origin, ORIGIN_CNI),
	FIELD(uplink, automatic, FIELD_BOOL),
	ARRAY(uplink, snat, nsnat, FIELD_IPS),
	END,
};

static const struct field publish_fields[] = {
	NUMBER(publish, origin, ORIGIN_CNI),
	FIELD(publish, proto, FIELD_UINT),
	FIELD(publish, any_host, FIELD_BOOL),
	FIELD(publish, host_ip, FIELD_IP),
	FIELD(publish, port, FIELD_UINT),
	FIELD(publish, port_last, FIELD_UINT),
	FIELD(publish, endpoint, FIELD_TEXT),
	FIELD(publish, target_port, FIELD_UINT),
	ARRAY(publish, from, nfrom, FIELD_CIDRS),
	NUMBER(publish, id, PUBLISH_MAX - 1),
	END,
};

static const struct field rule_fields[] = {
	FIELD(policy_rule, name, FIELD_TEXT),
	NUMBER(policy_rule, origin, ORIGIN_CNI),
	FIELD(policy_rule, from, FIELD_PEER),
	FIELD(policy_rule, to, FIELD_PEER),
	FIELD(policy_rule, proto, FIELD_UINT),
	ARRAY(policy_rule, ports, nports, FIELD_PORTS),
	NUMBER(policy_rule, action, RULE_REJECT),
	FIELD(policy_rule, log, FIELD_BOOL),
	FIELD(policy_rule, dormant, FIELD_BOOL),
	NUMBER(policy_rule, id, RULES_MAX - 1),
	END,
};

static const struct {
	const struct field *fields;
	size_t size;
} kinds[] = {
	[OBJECT_SETTINGS] = { settings_fields, sizeof(struct settings) },
	[OBJECT_NETNS] = { netns_fields, sizeof(struct netns) },
	[OBJECT_NETWORK] = { network_fields, sizeof(struct network) },
	[OBJECT_ENDPOINT] = { endpoint_fields, sizeof(struct endpoint) },
	[OBJECT_UPLINK] = { uplink_fields, sizeof(struct uplink) },
	[OBJECT_PUBLISH] = { publish_fields, sizeof(struct publish) },
	[OBJECT_RULE] = { rule_fields, sizeof(struct policy_rule) },
};

union object {
	struct settings settings;
	struct netns netns;
	struct network network;
	struct endpoint endpoint;
	struct uplink uplink;
	struct publish publish;
	struct policy_rule rule;
};

static void fields_default(enum object_kind kind, void *ret)
{
	struct model fresh;

	memset(ret, 0, kinds[kind].size);
	if (kind != OBJECT_SETTINGS)
		return;
	model_init(&fresh);
	memcpy(ret, &fresh.settings, sizeof(fresh.settings));
}

static json_int_t uint_get(const void *at, size_t size)
{
	if (size == sizeof(__u8))
		return *(const __u8 *)at;
	if (size == sizeof(__u16))
		return *(const __u16 *)at;
	if (size == sizeof(__u32))
		return *(const __u32 *)at;
	return (json_int_t) * (const __u64 *)at;
}

static json_t *element_to_json(enum field_type type, const char *at,
			       size_t index)
{
	const struct port_range *range;
	char text[64];

	switch (type) {
	case FIELD_IPS:
		return json_ip((const struct ipaddr *)at + index);
	case FIELD_CIDRS:
		return json_cidr((const struct cidr *)at + index);
	default:
		range = (const struct port_range *)at + index;
		snprintf(text, sizeof(text), "%u-%u", range->low, range->high);
		return json_string(text);
	}
}

static json_t *array_to_json(const struct field *field, const char *object)
{
	size_t count = *(const size_t *)(object + field->count_offset);
	json_t *array = json_array();

	for (size_t i = 0; array && i < count; i++)
		json_array_append_new(
			array, element_to_json(field->type,
					       object + field->offset, i));
	return array;
}

static json_t *field_to_json(const struct field *field, const char *object)
{
	const char *at = object + field->offset;
	char text[2 * NAME_LEN_MAX];

	switch (field->type) {
	case FIELD_TEXT:
		return json_text(at);
	case FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case FIELD_UINT:
		return json_integer(uint_get(at, field->size));
	case FIELD_IP:
		return json_ip((const struct ipaddr *)at);
	case FIELD_MAC:
		return json_mac((const __u8 *)at);
	case FIELD_PEER:
		return json_text(policy_peer_print(
			(const struct policy_peer *)at, text, sizeof(text)));
	default:
		return array_to_json(field, object);
	}
}

static bool is_default(const struct field *field, const char *object,
		       const char *defaults)
{
	if (field->count_offset)
		return !*(const size_t *)(object + field->count_offset);
	return !memcmp(object + field->offset, defaults + field->offset,
		       field->size);
}

json_t *fields_to_json(enum object_kind kind, const void *object)
{
	json_t *json = json_object();
	union object defaults;

	fields_default(kind, &defaults);
	for (const struct field *f = kinds[kind].fields; json && f->name; f++)
		if (!f->later ||
		    !is_default(f, object, (const char *)&defaults))
			json_object_set_new(json, f->name,
					    field_to_json(f, object));
	return json;
}

static int uint_set(const json_t *json, void *at, size_t size, __u32 max)
{
	json_int_t value = json_integer_value(json);

	if (!json_is_integer(json) || value < 0 || (max && value > max) ||
	    (size < sizeof(value) && value >> (8 * size)))
		return -EINVAL;
	if (size == sizeof(__u8))
		*(__u8 *)at = (__u8)value;
	else if (size == sizeof(__u16))
		*(__u16 *)at = (__u16)value;
	else if (size == sizeof(__u32))
		*(__u32 *)at = (__u32)value;
	else
		*(__u64 *)at = (__u64)value;
	return 0;
}

static int text_set(const json_t *json, char *at, size_t size)
{
	const char *text = json_string_value(json);

	if (!text || strlen(text) >= size)
		return -EINVAL;
	snprintf(at, size, "%s", text);
	return 0;
}

static int element_from_json(enum field_type type, const char *text, char *at,
			     size_t index)
{
	if (!text)
		return -EINVAL;
	switch (type) {
	case FIELD_IPS:
		return ip_parse(text, (struct ipaddr *)at + index);
	case FIELD_CIDRS:
		return cidr_parse(text, (struct cidr *)at + index);
	default:
		return port_range_parse(text, (struct port_range *)at + index);
	}
}

static size_t element_size(enum field_type type)
{
	switch (type) {
	case FIELD_IPS:
		return sizeof(struct ipaddr);
	case FIELD_CIDRS:
		return sizeof(struct cidr);
	default:
		return sizeof(struct port_range);
	}
}

static int array_from_json(const struct field *field, const json_t *json,
			   char *object)
{
	size_t count = json_array_size(json);

	if (!json_is_array(json) ||
	    count > field->size / element_size(field->type))
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (element_from_json(
			    field->type,
			    json_string_value(json_array_get(json, i)),
			    object + field->offset, i))
			return -EINVAL;
	*(size_t *)(object + field->count_offset) = count;
	return 0;
}

static int field_from_json(const struct field *field, const json_t *json,
			   char *object)
{
	const char *text = json_string_value(json);
	char *at = object + field->offset;

	switch (field->type) {
	case FIELD_TEXT:
		return text_set(json, at, field->size);
	case FIELD_BOOL:
		*(bool *)at = json_is_true(json);
		return json_is_boolean(json) ? 0 : -EINVAL;
	case FIELD_UINT:
		return uint_set(json, at, field->size, field->max);
	case FIELD_IP:
		return text ? ip_parse(text, (struct ipaddr *)at) : -EINVAL;
	case FIELD_MAC:
		return text ? mac_parse(text, (__u8 *)at) : -EINVAL;
	case FIELD_PEER:
		return text ? policy_peer_parse(text, (struct policy_peer *)at,
						NULL) :
			      -EINVAL;
	default:
		return array_from_json(field, json, object);
	}
}

/* Two arrays may share a count, which is then the last one's. */
static bool count_agrees(const struct field *field, const json_t *json,
			 const char *object)
{
	return !field->count_offset ||
	       json_array_size(json) ==
		       *(const size_t *)(object + field->count_offset);
}

static const struct field *field_find(enum object_kind kind, const char *name)
{
	const struct field *f = kinds[kind].fields;

	while (f->name && strcmp(f->name, name) != 0)
		f++;
	return f->name ? f : NULL;
}

/* It may restrict something, so without it the object would be another one. */
static int check_known(enum object_kind kind, json_t *json, struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(json, name, value)
	{
		if (field_find(kind, name))
			continue;
		err_set(err, -EPROTO, "this bpfnet does not know field '%s'",
			name);
		err_kind(err, EXIT_CONFLICT, "state-version");
		err_hint(err, "a newer bpfnet wrote the file: use that one");
		return -EPROTO;
	}
	return 0;
}

static bool is_older(const struct field *field, const json_t *json)
{
	return field->later && !json_object_get(json, field->name);
}

int fields_from_json(enum object_kind kind, json_t *json, void *object,
		     struct err *err)
{
	const struct field *f, *wrong = NULL;

	fields_default(kind, object);
	for (f = kinds[kind].fields; f->name && !wrong; f++)
		if (!is_older(f, json) &&
		    field_from_json(f, json_object_get(json, f->name), object))
			wrong = f;
	for (f = kinds[kind].fields; f->name && !wrong; f++)
		if (!is_older(f, json) &&
		    !count_agrees(f, json_object_get(json, f->name), object))
			wrong = f;
	if (wrong)
		return err_set(err, -EINVAL, "field '%s' is missing or wrong",
			       wrong->name);
	return check_known(kind, json, err);
}
