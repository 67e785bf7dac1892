/*
 * Runs a fuzz target over files, without a fuzzer: those named, and all in
 * the folders named. Prints how many; status 2 if there were none.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20, PATH_SIZE = 4096 };

static size_t inputs;

static bool
complain(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return false;
}

/* Memory of exactly the size of the input shows a read beyond its end. */
static bool
run_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	bool whole;

	if (!f)
		return complain(path);
	data = malloc(size ? size : 1);
	whole = data && fread(data, 1, size, f) == size;
	fclose(f);
	if (whole) {
		LLVMFuzzerTestOneInput(data, size);
		inputs++;
	}
	free(data);
	return whole || complain(path);
}

static bool run_path(const char *path);

static bool
run_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	bool right = true;

	if (!d)
		return complain(path);
	while ((entry = readdir(d))) {
		char name[PATH_SIZE];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		right = run_path(name) && right;
	}
	closedir(d);
	return right;
}

static bool
run_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return complain(path);
	if (S_ISDIR(st.st_mode))
		return run_folder(path);
	if (st.st_size > INPUT_MAX) {
		errno = EFBIG;
		return complain(path);
	}
	return run_file(path, (size_t)st.st_size);
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	bool right = true;

	for (int i = 1; i < argc; i++)
		right = run_path(argv[i]) && right;
	printf("%s: %zu inputs\n", slash ? slash + 1 : argv[0], inputs);
	if (inputs == 0)
		return 2;
	return right ? 0 : 1;
}
