/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_file - files read and replaced as a whole */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/file.h"

#define MAX_BYTES (16u << 20)

/* Each test works in a directory of its own, which is the current one. */
static int enter_directory(void **state)
{
	char *dir = strdup("/tmp/bpfnet-test-file.XXXXXX");

	*state = dir;
	return dir && mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int leave_directory(void **state)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
	free(*state);
	return chdir("/") || system(command) ? -1 : 0;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_content(const char *path, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	assert_int_equal(file_read(path, &text, &len, NULL), 0);
	assert_string_equal(text, expected);
	assert_int_equal(len, strlen(expected));
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = -2; /* . and .. */

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void whole_file_is_read(void **state)
{
	(void)state;
	put("a", "first\nsecond\n");

	assert_content("a", "first\nsecond\n");
}

static void empty_file_is_an_empty_text(void **state)
{
	(void)state;
	put("a", "");

	assert_content("a", "");
}

static void nul_bytes_are_kept(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(file_write_atomic("a", "x\0y", 3, NULL), 0);

	assert_int_equal(file_read("a", &text, &len, NULL), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "x\0y\0", 4);
}

static void file_of_unknown_size_is_read(void **state)
{
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(file_read("/proc/self/status", &text, NULL, NULL), 0);

	assert_non_null(strstr(text, "Pid:"));
}

static void largest_file_is_read_and_a_larger_one_refused(void **state)
{
	_cleanup_free_ char *text = NULL;
	char *untouched = NULL;
	struct err err = { 0 };
	size_t len = 0;

	(void)state;
	put("a", "");
	assert_int_equal(truncate("a", MAX_BYTES), 0);
	assert_int_equal(file_read("a", &text, &len, &err), 0);
	assert_int_equal(len, MAX_BYTES);

	assert_int_equal(truncate("a", MAX_BYTES + 1), 0);
	assert_int_equal(file_read("a", &untouched, &len, &err), -EFBIG);
	assert_null(untouched);
	assert_int_equal(len, MAX_BYTES);
	assert_string_equal(err.text, "read 'a': larger than 16 MiB");
}

static void dash_is_standard_input(void **state)
{
	_cleanup_free_ char *text = NULL;
	int ends[2], saved = dup(STDIN_FILENO);

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "piped", 5), 5);
	close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);

	assert_int_equal(file_read("-", &text, NULL, NULL), 0);
	assert_string_equal(text, "piped");

	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
}

static void missing_file_is_not_found(void **state)
{
	struct err err = { 0 };
	char *text = NULL;

	(void)state;
	assert_int_equal(file_read("none", &text, NULL, &err), -ENOENT);
	assert_int_equal(err.exit, EXIT_NOT_FOUND);
	assert_string_equal(err.text, "open 'none': No such file or directory");
	assert_null(text);
}

static void directory_is_no_file_to_read(void **state)
{
	char *text = NULL;

	(void)state;
	assert_int_equal(file_read(".", &text, NULL, NULL), -EISDIR);
}

static void written_file_is_readable_by_all_whatever_the_umask(void **state)
{
	mode_t saved = umask(0077);
	struct stat st;

	(void)state;
	assert_int_equal(file_write_atomic("a", "new", 3, NULL), 0);
	umask(saved);

	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_content("a", "new");
}

static void writing_replaces_and_leaves_no_other_file(void **state)
{
	(void)state;
	put("a", "a much longer old content");

	assert_int_equal(file_write_atomic("a", "new", 3, NULL), 0);

	assert_content("a", "new");
	assert_int_equal(count_entries("."), 1);
}

static void reader_of_the_old_file_keeps_it(void **state)
{
	_cleanup_close_ int fd = -1;
	char text[4] = "";

	(void)state;
	put("a", "old");
	fd = open("a", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);

	assert_int_equal(file_write_atomic("a", "new", 3, NULL), 0);

	assert_int_equal(read(fd, text, 3), 3);
	assert_string_equal(text, "old");
}

static void failed_write_leaves_nothing_behind(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(mkdir("dir", 0755), 0);
	put("dir/a", "");

	/* A file cannot take the place of a directory. */
	assert_int_equal(file_write_atomic("dir", "x", 1, &err), -EISDIR);
	assert_string_equal(err.text, "write 'dir': Is a directory");
	assert_int_equal(count_entries("."), 1);
}

static void write_into_a_missing_directory_fails(void **state)
{
	(void)state;
	assert_int_equal(file_write_atomic("none/a", "x", 1, NULL), -ENOENT);
}

static void all_missing_directories_are_made(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(file_mkdir("x/y//z/", NULL), 0);
	assert_int_equal(stat("x/y/z", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(file_mkdir("x/y/z", NULL), 0);
}

static void file_in_the_way_of_a_directory_is_an_error(void **state)
{
	struct err err = { 0 };

	(void)state;
	put("a", "");
	assert_int_equal(file_mkdir("a", &err), -ENOTDIR);
	assert_string_equal(err.text, "create 'a': Not a directory");
	assert_int_equal(file_mkdir("a/b", NULL), -ENOTDIR);
	assert_int_equal(file_mkdir("", NULL), -ENOENT);
}

#define test(name) \
	cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(whole_file_is_read),
		test(empty_file_is_an_empty_text),
		test(nul_bytes_are_kept),
		test(file_of_unknown_size_is_read),
		test(largest_file_is_read_and_a_larger_one_refused),
		test(dash_is_standard_input),
		test(missing_file_is_not_found),
		test(directory_is_no_file_to_read),
		test(written_file_is_readable_by_all_whatever_the_umask),
		test(writing_replaces_and_leaves_no_other_file),
		test(reader_of_the_old_file_keeps_it),
		test(failed_write_leaves_nothing_behind),
		test(write_into_a_missing_directory_fails),
		test(all_missing_directories_are_made),
		test(file_in_the_way_of_a_directory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
