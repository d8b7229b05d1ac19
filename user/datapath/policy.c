/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* policy - puts a compiled policy in force, in one step */
#include "datapath/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

/* As the template in bpf/maps.h says. */
#define LINES_FLAGS (BPF_F_INNER_MAP | BPF_F_MMAPABLE)

/* A new array with these lines, which no program knows yet; its fd. */
static int lines_make(const struct policy_image *image, __u32 bank,
		      struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = LINES_FLAGS);
	size_t size = image->nlines * sizeof(*image->lines);
	_cleanup_close_ int fd = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "bn_policy_lines", sizeof(__u32),
		sizeof(*image->lines), image->nlines, &opts);
	union policy_line *page;

	if (fd < 0)
		return err_set(err, fd, "make an array for the policy: %s",
			       strerror(-fd));
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return err_set(err, -errno, "map the policy: %s",
			       strerror(errno));
	memcpy(page, image->lines, size);
	page->head.bank = bank;
	munmap(page, size);
	return take_fd(fd);
}

struct bank_walk {
	__u32 bank;
	bool others;
	struct policy_cidr_key *keys;
	size_t count;
};

static int on_cidr(const void *key, const void *value, void *arg)
{
	const struct policy_cidr_key *cidr = key;
	struct bank_walk *walk = arg;

	(void)value;
	if ((cidr->bank == walk->bank) != walk->others)
		walk->keys[walk->count++] = *cidr;
	return 0;
}

/* Removes the prefixes of a bank, or those of all others. */
static int bank_clear(struct datapath *dp, __u32 bank, bool others,
		      struct err *err)
{
	_cleanup_free_ struct policy_cidr_key *keys =
		calloc(POLICY_CIDRS_MAX, sizeof(*keys));
	struct bank_walk walk = { .bank = bank,
				  .others = others,
				  .keys = keys };
	int ret;

	if (!keys)
		return err_set(err, -ENOMEM, "out of memory");
	ret = map_each(dp->maps[MAP_POLICY_CIDR], on_cidr, &walk);
	if (ret)
		return err_set(err, ret, "read map '%s': %s",
			       map_name[MAP_POLICY_CIDR], strerror(-ret));
	for (size_t i = 0; i < walk.count && !ret; i++)
		ret = table_del(dp, MAP_POLICY_CIDR, &keys[i], err);
	return ret;
}

static int bank_fill(struct datapath *dp, __u32 bank,
		     const struct policy_image *image, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < image->ncidrs && !ret; i++) {
		struct policy_cidr_key key = image->cidrs[i].key;

		key.bank = bank;
		ret = table_set(dp, MAP_POLICY_CIDR, &key,
				&image->cidrs[i].value, err);
	}
	return ret;
}

static int put_in_force(struct datapath *dp, const struct policy_image *image,
			__u32 bank, struct err *err)
{
	_cleanup_close_ int lines = -1;
	__u32 zero = 0;

	if (!image->lines->head.rules)
		return table_del(dp, MAP_POLICY, &zero, err);
	lines = lines_make(image, bank, err);
	if (lines < 0)
		return lines;
	return table_set(dp, MAP_POLICY, &zero, &lines, err);
}

/*
 * A bank is never used twice, so it does not matter where a process that came
 * before this one may have died. The kernel returns from a change of a map of
 * maps when all programs that ran have ended: then nobody reads the old bank.
 */
int policy_write(struct datapath *dp, const struct policy_image *image,
		 struct err *err)
{
	struct datapath_config *config = dp->config;
	__u32 bank;
	int ret;

	if (config->policy_hash == image->hash)
		return 0;
	config->policy_hash = 0;
	bank = ++config->policy_bank;
	ret = bank_fill(dp, bank, image, err);
	if (!ret)
		ret = put_in_force(dp, image, bank, err);
	if (ret) {
		bank_clear(dp, bank, false, NULL);
		return ret;
	}
	ret = bank_clear(dp, bank, true, err);
	if (!ret)
		config->policy_hash = image->hash;
	return ret;
}
