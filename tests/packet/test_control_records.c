/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_records - wherever a record is torn, that is told */
#include <sys/stat.h>
#include <unistd.h>

#include "control_world.h"
#include "lib/cleanup.h"
#include "lib/file.h"
#include "look.h"

#define JOURNAL RUN_DIR "/journal"

/* By the first so many ways to open the instance. */
static void assert_told(struct world *world, size_t count)
{
	static const enum control_mode modes[] = { CONTROL_READ, CONTROL_PLAN,
						   CONTROL_WRITE };
	struct control *control;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(control_open(&world->instance, modes[i],
					      &control, &world->err),
				 -EINVAL);
		assert_non_null(strstr(world->err.text, JOURNAL));
		assert_non_null(strstr(world->err.hint, "purge"));
	}
}

static void put(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* With something of each kind. */
static char *start(struct world *world)
{
	want_web(world);
	world->model.settings.udp = 99;
	must_apply(world);
	return look(world);
}

static void record_that_ends_too_early_is_told(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = start(world);
	_cleanup_free_ char *after = NULL;

	_cleanup_free_ char *text = NULL;
	size_t len;

	assert_int_equal(file_read(JOURNAL, &text, &len, NULL), 0);
	for (size_t cut = 0; cut < len; cut++) {
		put(JOURNAL, text, cut);
		/* All of them where a line ends, and before its end. */
		assert_told(world, text[cut] == '\n' || (cut && text[cut - 1] ==
									'\n') ?
					   3 :
					   1);
	}
	put(JOURNAL, text, len);

	after = look(world);
	assert_true(look_same(before, after));
}

/* A last line without its end is one that was not written; that it was there is
 * what the seal tells, see above. */
static void byte_that_is_another_one_is_told(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = start(world);
	_cleanup_free_ char *after = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;

	assert_int_equal(file_read(JOURNAL, &text, &len, NULL), 0);
	for (size_t i = 0; i + 1 < len; i++) {
		struct control *control;

		text[i] ^= 1;
		put(JOURNAL, text, len);
		assert_int_not_equal(control_open(&world->instance,
						  CONTROL_READ, &control,
						  &world->err),
				     0);
		assert_non_null(strstr(world->err.text, JOURNAL));
		text[i] ^= 1;
	}
	put(JOURNAL, text, len);

	after = look(world);
	assert_true(look_same(before, after));
}

/* xorshift64: the same each time. */
static void fill(char *text, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		text[i] = (char)seed;
	}
}

static void record_of_garbage_is_told_and_purge_works(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *before = start(world);
	_cleanup_free_ char *text = NULL;
	char garbage[300];

	assert_int_equal(file_read(JOURNAL, &text, NULL, NULL), 0);
	for (uint64_t seed = 1; seed < 20; seed++) {
		fill(garbage, sizeof(garbage), seed);
		put(JOURNAL, garbage, sizeof(garbage));
		assert_told(world, 3);
	}

	assert_int_equal(purge(world), 0);

	assert_int_not_equal(access(RUN_DIR, F_OK), 0);
}

/* What exists is taken as it is, and nothing of it is touched. */
static void unfinished_of_garbage_harms_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"7",
		"- endpoint web\n",
		"# netns name\n",
		"- endpoint web 12345678\n",
	};
	struct world *world = *state;
	_cleanup_free_ char *before = start(world);

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		_cleanup_free_ char *after = NULL;

		file_put(RUN_DIR "/unfinished", texts[i]);
		control_close(control_of(world, CONTROL_WRITE));
		after = look(world);
		if (!look_same(before, after))
			fail_msg("%s", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(record_that_ends_too_early_is_told),
		WORLD_TEST(byte_that_is_another_one_is_told),
		WORLD_TEST(record_of_garbage_is_told_and_purge_works),
		WORLD_TEST(unfinished_of_garbage_harms_nothing),
	};

	return world_main("records", tests, sizeof(tests) / sizeof(*tests));
}
