//go:build cgo && !no_duckdb && linux && (amd64 || arm64) && !duckdb_use_lib && !duckdb_use_static_lib

// The engine counts what its buffers take and refuses when that is too much,
// but not the memory of texts and lists that one call of one function makes:
// repeat(x, 4e9) takes four gigabytes for each of 2,048 rows, and no interrupt
// is looked at in between. So the linker puts these functions between the
// engine and its allocator. They count what is large, and fail what would
// exceed the ceiling, which the engine turns into an error of the statement.

#include <stddef.h>
#include <stdint.h>

extern void *__real_duckdb_je_malloc(size_t);
extern void *__real_duckdb_je_realloc(void *, size_t);
extern void __real_duckdb_je_free(void *);
extern size_t duckdb_je_malloc_usable_size(const void *);
extern void *__real__Znwm(size_t);

// large is the size from which an allocation counts: small ones are the
// engine's bookkeeping, and looking at them would cost time. What is got may
// be more than what is asked for, so both sides of the count look at what was
// got.
enum { large = 64 * 1024 };

static int64_t taken, ceiling = INT64_MAX;

void varve_ceiling(int64_t bytes) { __atomic_store_n(&ceiling, bytes, __ATOMIC_RELAXED); }
int64_t varve_taken(void) { return __atomic_load_n(&taken, __ATOMIC_RELAXED); }

static int refused(size_t want) {
	if (want < large) return 0;
	if (want > (size_t)INT64_MAX / 2) return 1;
	return __atomic_load_n(&taken, __ATOMIC_RELAXED) > __atomic_load_n(&ceiling, __ATOMIC_RELAXED) - (int64_t)want;
}

static int64_t counted(const void *p) {
	size_t got = p ? duckdb_je_malloc_usable_size(p) : 0;
	return got >= large ? (int64_t)got : 0;
}

static void add(int64_t bytes) {
	if (bytes) __atomic_add_fetch(&taken, bytes, __ATOMIC_RELAXED);
}

void *__wrap_duckdb_je_malloc(size_t n) {
	if (refused(n)) return NULL;
	void *p = __real_duckdb_je_malloc(n);
	if (n >= large / 2) add(counted(p));
	return p;
}

void *__wrap_duckdb_je_realloc(void *p, size_t n) {
	if (refused(n)) return NULL;
	int64_t had = counted(p);
	void *q = __real_duckdb_je_realloc(p, n);
	if (q) add(counted(q) - had); // else p is as it was
	return q;
}

void __wrap_duckdb_je_free(void *p) {
	add(-counted(p));
	__real_duckdb_je_free(p);
}

// The containers of C++ take their memory here. It is given back in more ways
// than can be counted, so only what is too large by itself is refused: no
// memory has this size, and the operator throws what its caller expects.
void *__wrap__Znwm(size_t n) {
	if (n >= large && n < SIZE_MAX / 4 && (int64_t)n > __atomic_load_n(&ceiling, __ATOMIC_RELAXED) / 2) n = SIZE_MAX / 2;
	return __real__Znwm(n);
}
