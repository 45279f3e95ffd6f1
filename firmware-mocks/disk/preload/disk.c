/*
 * A disk that tells what it was given, and fails when it is told to. It is put
 * before libc with LD_PRELOAD; SQLite, which is C, then writes through it. What
 * Go itself writes is not seen: it makes no call of libc.
 *
 * Environment, all of it made by the Go package beside this:
 *   TESTDISK_DIR      only files of this folder count
 *   TESTDISK_LOG      each operation on them is appended here, if set
 *   TESTDISK_CONTROL  a file of struct control, shared with the tests
 *
 * fsync does not wait for the machine's own disk: what counts as synced is what
 * the record says.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FILES 1024 /* descriptors that are watched: more than any test opens */
#define EXPORT __attribute__((visibility("default")))

/* What the tests set, and read back. Offsets and values are the Go side's too. */
struct control {
	int64_t at;     /* the operation that fails, counted from 1 since it was set; 0: none */
	int64_t how;    /* see below */
	int64_t passed; /* operations since at was set */
	int64_t failed; /* of them, how many failed */
	int64_t full;   /* not 0: the disk is full, whatever at says */
};

enum { ONCE = 1, FULL_ONCE = 2, HALF = 3, FROM_HERE = 4, NEXT_SYNC = 5, HANG = 6 };

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);

static char dir[PATH_MAX];
static size_t dir_length;
static int record = -1;
static struct control none, *control = &none;
static char *names[FILES]; /* of open files, relative to dir; "" is dir itself */
static int half;           /* the rest of a half write is still to fail */
static int64_t syncs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void)
{
	const char *path;

	real_write = dlsym(RTLD_NEXT, "write");
	real_pwrite = dlsym(RTLD_NEXT, "pwrite");
	real_open = dlsym(RTLD_NEXT, "open");
	real_close = dlsym(RTLD_NEXT, "close");
	real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
	real_unlink = dlsym(RTLD_NEXT, "unlink");
	if ((path = getenv("TESTDISK_DIR")) != NULL && strlen(path) < sizeof dir) {
		strcpy(dir, path);
		dir_length = strlen(dir);
	}
	if ((path = getenv("TESTDISK_LOG")) != NULL)
		record = real_open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if ((path = getenv("TESTDISK_CONTROL")) != NULL) {
		int fd = real_open(path, O_RDWR | O_CLOEXEC);
		void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			abort(); /* a test that could not fail would be worse */
		control = at;
		real_close(fd);
	}
}

/* inside gives a path relative to the folder, or NULL. */
static const char *inside(const char *path)
{
	if (dir_length == 0 || strncmp(path, dir, dir_length) != 0)
		return NULL;
	if (path[dir_length] == '\0')
		return "";
	return path[dir_length] == '/' ? path + dir_length + 1 : NULL;
}

static const char *name_of(int fd)
{
	return fd >= 0 && fd < FILES ? names[fd] : NULL;
}

/* note appends one operation: header, name and data in one write, so that they
 * are whole whenever the process is killed; but for the last. */
static void note(char what, const char *name, int64_t at, const void *data, int64_t size)
{
	struct {
		char what;
		char pad[3];
		uint32_t name;
		int64_t at;
		int64_t size;
	} head = {what, {0}, (uint32_t)strlen(name), at, data == NULL ? 0 : size};
	struct iovec parts[3] = {
		{&head, sizeof head}, {(void *)name, head.name}, {(void *)data, (size_t)head.size},
	};

	if (record >= 0 && writev(record, parts, 3) < 0)
		abort();
}

/* hang waits until the tests say that the disk works again, and everybody else
 * with it. */
static int hang(void)
{
	const struct timespec moment = {0, 1000000};

	while (__atomic_load_n(&control->at, __ATOMIC_SEQ_CST) != 0)
		nanosleep(&moment, NULL);
	return 0;
}

/* fails counts an operation and says whether it fails: an error, or 0. */
static int fails(int is_write, size_t *size)
{
	int64_t n, at = __atomic_load_n(&control->at, __ATOMIC_SEQ_CST);

	if (__atomic_load_n(&control->full, __ATOMIC_SEQ_CST) != 0 && is_write) {
		__atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
		return ENOSPC;
	}
	if (at == 0) {
		half = 0;
		return 0;
	}
	if (control->how == HANG && is_write)
		return 0; /* syncs alone are counted */
	n = __atomic_add_fetch(&control->passed, 1, __ATOMIC_SEQ_CST);
	if (half) {
		half = 0;
		return ENOSPC;
	}
	if (control->how == NEXT_SYNC ? is_write || n < at || control->failed > 0 : n != at && !(control->how == FROM_HERE && n > at))
		return 0;
	__atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
	switch (control->how) {
	case HANG:
		return hang();
	case FULL_ONCE:
		return is_write ? ENOSPC : EIO;
	case HALF:
		if (!is_write || *size < 2)
			return EIO;
		half = 1;
		*size /= 2;
		return 0;
	}
	return EIO;
}

static int open_named(const char *path, int flags, mode_t mode)
{
	const char *name = inside(path);
	struct stat st;
	int fd, fresh;

	if (name == NULL)
		return real_open(path, flags, mode);
	pthread_mutex_lock(&lock);
	fresh = (flags & O_CREAT) != 0 && stat(path, &st) != 0;
	fd = real_open(path, flags, mode);
	if (fd >= 0 && fd < FILES) {
		free(names[fd]);
		names[fd] = strdup(name);
		if (fresh)
			note('c', name, 0, NULL, 0);
	}
	pthread_mutex_unlock(&lock);
	return fd;
}

#define OPEN(call)                                                     \
	EXPORT int call(const char *path, int flags, ...)                  \
	{                                                                  \
		mode_t mode = 0;                                               \
		va_list more;                                                  \
		if (flags & (O_CREAT | O_TMPFILE)) {                           \
			va_start(more, flags);                                     \
			mode = va_arg(more, mode_t);                               \
			va_end(more);                                              \
		}                                                              \
		return open_named(path, flags, mode);                          \
	}
OPEN(open)
OPEN(open64)

EXPORT int close(int fd)
{
	int result;

	if (name_of(fd) == NULL)
		return real_close(fd);
	pthread_mutex_lock(&lock);
	free(names[fd]);
	names[fd] = NULL;
	result = real_close(fd);
	pthread_mutex_unlock(&lock);
	return result;
}

/* The shared memory of a database takes room on the disk, and nothing of it has
 * to be there after a cut. */
static int shared(int fd)
{
	return strstr(names[fd], "-shm") != NULL;
}

static ssize_t put(int fd, const void *data, size_t size, off_t at)
{
	int wrong;
	ssize_t done = -1;

	pthread_mutex_lock(&lock);
	wrong = fails(1, &size);
	if (wrong == 0) {
		if (!shared(fd))
			note('w', names[fd], at, data, (int64_t)size);
		done = real_pwrite(fd, data, size, at);
	}
	pthread_mutex_unlock(&lock);
	if (wrong != 0)
		errno = wrong;
	return done;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	return name_of(fd) == NULL ? real_pwrite(fd, data, size, at) : put(fd, data, size, at);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off_t at)
{
	return pwrite(fd, data, size, at);
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
	off_t at;
	ssize_t done;

	if (name_of(fd) == NULL)
		return real_write(fd, data, size);
	at = lseek(fd, 0, SEEK_CUR);
	done = put(fd, data, size, at);
	if (done > 0)
		lseek(fd, at + done, SEEK_SET);
	return done;
}

EXPORT int ftruncate(int fd, off_t size)
{
	size_t any = 0;
	int wrong, result = -1;

	if (name_of(fd) == NULL || shared(fd))
		return real_ftruncate(fd, size);
	pthread_mutex_lock(&lock);
	wrong = fails(0, &any);
	if (wrong == 0) {
		note('t', names[fd], size, NULL, 0);
		result = real_ftruncate(fd, size);
	}
	pthread_mutex_unlock(&lock);
	if (wrong != 0)
		errno = wrong;
	return result;
}

EXPORT int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

/* What was written before the note of the sync's begin is on the disk once there
 * is the note of its end, and not before. After a failed one nobody knows: Linux
 * takes the pages for written (see fsync(2), EIO), so that a later sync that
 * succeeds says nothing of them. */
static int synced(int fd)
{
	size_t any = 0;
	int64_t number;
	int wrong;

	pthread_mutex_lock(&lock);
	number = ++syncs;
	wrong = fails(0, &any);
	note('s', names[fd], number, NULL, 0);
	note(wrong == 0 ? 'e' : 'f', names[fd], number, NULL, 0);
	pthread_mutex_unlock(&lock);
	if (wrong != 0)
		errno = wrong;
	return wrong == 0 ? 0 : -1;
}

EXPORT int fsync(int fd)
{
	static int (*real)(int);

	if (name_of(fd) != NULL)
		return synced(fd);
	if (real == NULL)
		real = dlsym(RTLD_NEXT, "fsync");
	return real(fd);
}

EXPORT int fdatasync(int fd)
{
	static int (*real)(int);

	if (name_of(fd) != NULL)
		return synced(fd);
	if (real == NULL)
		real = dlsym(RTLD_NEXT, "fdatasync");
	return real(fd);
}

EXPORT int unlink(const char *path)
{
	const char *name = inside(path);
	int result;

	if (name == NULL)
		return real_unlink(path);
	pthread_mutex_lock(&lock);
	note('u', name, 0, NULL, 0);
	result = real_unlink(path);
	pthread_mutex_unlock(&lock);
	return result;
}
