/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* measure - loads BPF objects and prints what the verifier had to do for them */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <bpfnet/limits.h>

#define OBJECTS_MAX 8
#define LOG_STATS 4 /* the kernel's BPF_LOG_STATS, not in its headers for us */
#define LOG_SIZE (64 * 1024)
#define TEXT_MAX 256

/* Nothing but the numbers goes to the standard output. */
static int print_message(enum libbpf_print_level level, const char *format,
			 va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static int failed(const char *what, const char *name, int code)
{
	char text[TEXT_MAX];

	libbpf_strerror(code, text, sizeof(text));
	fprintf(stderr, "measure: %s %s: %s\n", what, name, text);
	return code;
}

/* As the loader does it: the maps of the first object are everybody's. */
static int share_maps(const struct bpf_object *first, struct bpf_object *object)
{
	struct bpf_map *map, *shared;
	int ret = 0;

	bpf_object__for_each_map(map, object)
	{
		shared =
			bpf_object__find_map_by_name(first, bpf_map__name(map));
		if (!shared || bpf_map__is_internal(map))
			continue;
		ret = bpf_map__reuse_fd(map, bpf_map__fd(shared));
		if (ret)
			return failed("share", bpf_map__name(map), ret);
	}
	return ret;
}

/* Sizes mean nothing to the verifier, and memory to everybody else. */
static int shrink_maps(const struct bpf_object *object)
{
	static const char *const names[] = { "bn_flows", "bn_embryos" };
	struct bpf_map *map;
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(names) / sizeof(*names); i++) {
		map = bpf_object__find_map_by_name(object, names[i]);
		if (map)
			ret = bpf_map__set_max_entries(map, EMBRYOS_MIN);
	}
	return ret;
}

/* What follows `word` in the log, up to the end of that line. */
static const char *log_value(const char *log, const char *word,
			     char ret[TEXT_MAX])
{
	const char *at = strstr(log, word);

	if (!at)
		return "-";
	at += strlen(word);
	snprintf(ret, TEXT_MAX, "%.*s", (int)strcspn(at, " \n"), at);
	return ret;
}

/* NAME PROCESSED STACK JITED */
static int print_program(const struct bpf_program *program)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	char processed[TEXT_MAX], stack[TEXT_MAX];
	const char *name = bpf_program__name(program), *log;
	size_t size;
	int ret;

	ret = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len);
	if (ret)
		return failed("ask about", name, ret);
	log = bpf_program__log_buf(program, &size);
	printf("%s %s %s %u\n", name, log_value(log, "processed ", processed),
	       log_value(log, "stack depth ", stack), info.jited_prog_len);
	return 0;
}

static int load(struct bpf_object *object)
{
	struct bpf_program *program;
	int ret = 0;

	bpf_object__for_each_program(program, object)
	{
		char *log = calloc(1, LOG_SIZE);

		if (!log)
			return -ENOMEM;
		ret = bpf_program__set_log_buf(program, log, LOG_SIZE);
		ret = ret ?: bpf_program__set_log_level(program, LOG_STATS);
		if (ret)
			return ret;
	}
	return bpf_object__load(object);
}

static int measure(struct bpf_object *first, struct bpf_object *object)
{
	struct bpf_program *program;
	int ret;

	ret = first == object ? shrink_maps(object) : share_maps(first, object);
	ret = ret ?: load(object);
	if (ret)
		return failed("load", bpf_object__name(object), ret);
	bpf_object__for_each_program(program, object) ret =
		ret ?: print_program(program);
	return ret;
}

/* The logs and objects go with the process. */
int main(int argc, char **argv)
{
	struct bpf_object *objects[OBJECTS_MAX];

	if (argc < 2 || argc > OBJECTS_MAX) {
		fprintf(stderr, "usage: measure OBJECT...\n");
		return EXIT_FAILURE;
	}
	libbpf_set_print(print_message);
	for (int i = 0; i + 1 < argc; i++) {
		objects[i] = bpf_object__open_file(argv[i + 1], NULL);
		if (!objects[i]) {
			failed("open", argv[i + 1], -errno);
			return EXIT_FAILURE;
		}
		if (measure(objects[0], objects[i]))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
