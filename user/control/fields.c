/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fields - a model object as words and back, from one table for each kind */
#include "control/fields.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ip.h"

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
	FIELD(netns, mount, FIELD_UINT, .later = true),
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
	FIELD(endpoint, lo_before, FIELD_UINT, .max = LO_NEW, .later = true),
	FIELD(endpoint, netns_mount, FIELD_UINT, .later = true),
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
	NUMBER(publish, id, PUBLISH_MAX - 1),
	NUMBER(publish, origin, ORIGIN_CNI),
	FIELD(publish, proto, FIELD_UINT),
	FIELD(publish, any_host, FIELD_BOOL),
	FIELD(publish, host_ip, FIELD_IP),
	FIELD(publish, port, FIELD_UINT),
	FIELD(publish, port_last, FIELD_UINT),
	FIELD(publish, endpoint, FIELD_TEXT),
	FIELD(publish, target_port, FIELD_UINT),
	ARRAY(publish, from, nfrom, FIELD_CIDRS),
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

static void fields_default(enum object_kind kind, void *ret)
{
	struct model fresh;

	memset(ret, 0, kinds[kind].size);
	if (kind != OBJECT_SETTINGS)
		return;
	model_init(&fresh);
	memcpy(ret, &fresh.settings, sizeof(fresh.settings));
}

/* ---------------------------------------------------------------- print */

__attribute__((format(printf, 2, 3))) static void put(struct line *line,
						      const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line->text + line->len, sizeof(line->text) - line->len,
			fmt, args);
	va_end(args);
	line->len += len;
	/* Every field is bounded, and all of the largest object fit. */
	assert(len >= 0 && line->len < sizeof(line->text));
}

/* Most of a record is blanks and numbers, and there are ten thousand lines of
 * it: these are put without a format. */
static void put_char(struct line *line, char c)
{
	assert(line->len + 1 < sizeof(line->text));
	line->text[line->len++] = c;
}

static void put_uint(struct line *line, __u64 value)
{
	char digits[sizeof("18446744073709551615")];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (count)
		put_char(line, digits[--count]);
}

static void put_word(struct line *line, const char *text)
{
	while (*text)
		put_char(line, *text++);
}

/* A path may hold any byte. What separates words, and what is no text, is
 * written as %XX; no text at all as "-". */
static void put_text(struct line *line, const char *text)
{
	if (!text[0])
		put_char(line, '-');
	else if (!strcmp(text, "-"))
		put_word(line, "%2d");
	else
		for (; *text; text++)
			if (*text <= ' ' || *text == '%' || *text == 0x7f)
				put(line, "%%%02x", (unsigned char)*text);
			else
				put_char(line, *text);
}

static __u64 uint_get(const void *at, size_t size)
{
	if (size == sizeof(__u8))
		return *(const __u8 *)at;
	if (size == sizeof(__u16))
		return *(const __u16 *)at;
	if (size == sizeof(__u32))
		return *(const __u32 *)at;
	return *(const __u64 *)at;
}

static void put_element(struct line *line, enum field_type type, const char *at,
			size_t index)
{
	const struct port_range *range;
	char text[CIDR_TEXT_MAX];

	switch (type) {
	case FIELD_IPS:
		put_word(line,
			 ip_print((const struct ipaddr *)at + index, text));
		break;
	case FIELD_CIDRS:
		put_word(line,
			 cidr_print((const struct cidr *)at + index, text));
		break;
	default:
		range = (const struct port_range *)at + index;
		put(line, "%u-%u", range->low, range->high);
	}
}

static void put_array(struct line *line, const struct field *field,
		      const char *object)
{
	size_t count = *(const size_t *)(object + field->count_offset);

	if (!count)
		put_char(line, '-');
	for (size_t i = 0; i < count; i++) {
		if (i)
			put_char(line, ',');
		put_element(line, field->type, object + field->offset, i);
	}
}

static void put_field(struct line *line, const struct field *field,
		      const char *object)
{
	const char *at = object + field->offset;
	char text[2 * NAME_LEN_MAX];

	switch (field->type) {
	case FIELD_TEXT:
		put_text(line, at);
		break;
	case FIELD_BOOL:
		put_char(line, *(const bool *)at ? '1' : '0');
		break;
	case FIELD_UINT:
		put_uint(line, uint_get(at, field->size));
		break;
	case FIELD_IP:
		put_word(line, ip_print((const struct ipaddr *)at, text));
		break;
	case FIELD_MAC:
		put_word(line, mac_print((const __u8 *)at, text));
		break;
	case FIELD_PEER:
		put_text(line, policy_peer_print((const struct policy_peer *)at,
						 text, sizeof(text)));
		break;
	default:
		put_array(line, field, object);
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

void fields_print(enum object_kind kind, const void *object, struct line *line)
{
	union object defaults;

	fields_default(kind, &defaults);
	for (const struct field *f = kinds[kind].fields; f->name; f++) {
		put_char(line, ' ');
		if (f->later && is_default(f, object, (const char *)&defaults))
			put_char(line, '-');
		else
			put_field(line, f, object);
	}
}

void fields_print_key(enum object_kind kind, const void *object,
		      struct line *line)
{
	put_char(line, ' ');
	put_field(line, kinds[kind].fields, object);
}

void fields_print_names(enum object_kind kind, struct line *line)
{
	for (const struct field *f = kinds[kind].fields; f->name; f++)
		put(line, " %s", f->name);
}

/* ---------------------------------------------------------------- parse */

static int digits_parse(const char *word, __u64 *ret)
{
	__u64 value = 0;

	if (!*word)
		return -EINVAL;
	for (; *word; word++) {
		__u64 digit = (__u64)(*word - '0');

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}

static int uint_parse(const char *word, void *at, size_t size, __u32 max)
{
	__u64 value;

	if (digits_parse(word, &value) || (max && value > max) ||
	    (size < sizeof(value) && value >> (8 * size)))
		return -EINVAL;
	if (size == sizeof(__u8))
		*(__u8 *)at = (__u8)value;
	else if (size == sizeof(__u16))
		*(__u16 *)at = (__u16)value;
	else if (size == sizeof(__u32))
		*(__u32 *)at = (__u32)value;
	else
		*(__u64 *)at = value;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place: the text is never longer than its word. */
static int text_decode(char *word)
{
	char *to = word;

	if (!strcmp(word, "-"))
		*word = '\0';
	for (; *word; word++) {
		int high, low;

		if (*word != '%') {
			*to++ = *word;
			continue;
		}
		high = hex_digit(word[1]);
		low = high < 0 ? -1 : hex_digit(word[2]);
		if (low < 0 || !(high | low))
			return -EINVAL;
		*to++ = (char)(high << 4 | low);
		word += 2;
	}
	*to = '\0';
	return 0;
}

static int text_parse(char *word, char *at, size_t size)
{
	size_t len;

	if (text_decode(word))
		return -EINVAL;
	len = strlen(word);
	if (len >= size)
		return -EINVAL;
	memcpy(at, word, len);
	return 0;
}

static int ip_word_parse(const char *word, struct ipaddr *at)
{
	/* What most objects have where no address is named. */
	if (!strcmp(word, "::"))
		return 0;
	return ip_parse(word, at);
}

static int element_parse(enum field_type type, const char *word, char *at,
			 size_t index)
{
	switch (type) {
	case FIELD_IPS:
		return ip_word_parse(word, (struct ipaddr *)at + index);
	case FIELD_CIDRS:
		return cidr_parse(word, (struct cidr *)at + index);
	default:
		return port_range_parse(word, (struct port_range *)at + index);
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

/* Two arrays may share a count: the second one has to have as many. */
static int array_parse(const struct field *field, char *word, char *object,
		       bool is_second)
{
	size_t max = field->size / element_size(field->type);
	size_t *known = (size_t *)(object + field->count_offset);
	size_t count = 0;
	char *element;

	if (!strcmp(word, "-"))
		word = NULL;
	while ((element = strsep(&word, ","))) {
		if (count == max ||
		    element_parse(field->type, element, object + field->offset,
				  count))
			return -EINVAL;
		count++;
	}
	if (is_second && count != *known)
		return -EINVAL;
	*known = count;
	return 0;
}

static int peer_parse(char *word, struct policy_peer *at)
{
	if (text_decode(word))
		return -EINVAL;
	return policy_peer_parse(word, at, NULL);
}

static bool is_second(const struct layout *layout, size_t index)
{
	const struct field *field = layout->fields[index];

	for (size_t i = 0; i < index; i++)
		if (layout->fields[i] &&
		    layout->fields[i]->count_offset == field->count_offset)
			return true;
	return false;
}

static int field_parse(const struct layout *layout, size_t index, char *word,
		       char *object)
{
	const struct field *field = layout->fields[index];
	char *at = object + field->offset;

	switch (field->type) {
	case FIELD_TEXT:
		return text_parse(word, at, field->size);
	case FIELD_BOOL:
		*(bool *)at = word[0] == '1';
		return (word[0] == '0' || word[0] == '1') && !word[1] ? 0 :
									-EINVAL;
	case FIELD_UINT:
		return uint_parse(word, at, field->size, field->max);
	case FIELD_IP:
		return ip_word_parse(word, (struct ipaddr *)at);
	case FIELD_MAC:
		return mac_parse(word, (__u8 *)at);
	case FIELD_PEER:
		return peer_parse(word, (struct policy_peer *)at);
	default:
		return array_parse(field, word, object,
				   is_second(layout, index));
	}
}

/* It may restrict something, so without it the object would be another one. */
static int unknown_field(const char *name, struct err *err)
{
	err_set(err, -EPROTO, "this bpfnet does not know field '%s'", name);
	err_kind(err, EXIT_CONFLICT, "state-version");
	err_hint(err, "a newer bpfnet wrote the file: use that one");
	return -EPROTO;
}

int fields_parse(enum object_kind kind, const struct layout *layout,
		 char *words, void *object, struct err *err)
{
	int rc = 0;

	fields_default(kind, object);
	for (size_t i = 0; i < layout->count; i++) {
		const struct field *field = layout->fields[i];
		char *word = strsep(&words, " ");
		bool unset = word && !strcmp(word, "-");

		if (!field && word && !unset && !rc)
			rc = unknown_field(layout->names[i], err);
		if (word && (!field || (field->later && unset)))
			continue;
		if (!word || field_parse(layout, i, word, object))
			return err_set(err, -EINVAL,
				       "field '%s' is missing or wrong",
				       layout->names[i]);
	}
	if (words)
		return err_set(err, -EINVAL, "unknown fields: '%s'", words);
	return rc;
}

/* --------------------------------------------------------------- layout */

static const struct field *field_find(enum object_kind kind, const char *name)
{
	for (const struct field *f = kinds[kind].fields; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

static bool layout_has(const struct layout *layout, const struct field *field)
{
	for (size_t i = 0; i < layout->count; i++)
		if (layout->fields[i] == field)
			return true;
	return false;
}

void fields_own_layout(enum object_kind kind, struct layout *ret)
{
	*ret = (struct layout){ 0 };
	for (const struct field *f = kinds[kind].fields; f->name; f++) {
		ret->names[ret->count] = f->name;
		ret->fields[ret->count++] = f;
	}
}

int fields_layout(enum object_kind kind, char *names, struct layout *ret,
		  struct err *err)
{
	struct layout layout = { 0 };
	char *name;

	while ((name = strsep(&names, " "))) {
		const struct field *field = field_find(kind, name);

		if (layout.count == FIELDS_MAX ||
		    (field && layout_has(&layout, field)))
			return err_set(err, -EINVAL, "too many fields");
		layout.names[layout.count] = name;
		layout.fields[layout.count++] = field;
	}
	for (const struct field *f = kinds[kind].fields; f->name; f++)
		if (!f->later && !layout_has(&layout, f))
			return err_set(err, -EINVAL, "no field '%s'", f->name);
	*ret = layout;
	return 0;
}
