package offline

// #include <errno.h>
// #include <fcntl.h>
// #include <stdlib.h>
// #include <unistd.h>
//
// // rewrite writes a file's own bytes over themselves and waits for the disk; 0,
// // or why not.
// static int rewrite(const char *path) {
// 	char page[65536];
// 	off_t at = 0;
// 	int failed = 0;
// 	int fd = open(path, O_RDWR | O_CLOEXEC);
// 	if (fd < 0) return errno == ENOENT ? 0 : errno;
// 	for (;;) {
// 		ssize_t n = pread(fd, page, sizeof page, at);
// 		if (n < 0 && errno == EINTR) continue;
// 		if (n < 0) { failed = errno; break; }
// 		if (n == 0) break;
// 		for (ssize_t done = 0; done < n;) {
// 			ssize_t w = pwrite(fd, page + done, n - done, at + done);
// 			if (w < 0 && errno == EINTR) continue;
// 			if (w < 0) { failed = errno; break; }
// 			done += w;
// 		}
// 		if (failed) break;
// 		at += n;
// 	}
// 	if (!failed && fsync(fd) != 0) failed = errno;
// 	if (close(fd) != 0 && !failed) failed = errno;
// 	return failed;
// }
import "C"

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// rewriteLog makes what the log of a closed file holds durable. After a sync that
// failed, the kernel takes pages for written that are not on the disk, and no
// later sync writes them: recovery would read a commit out of the log, a
// checkpoint copy it into the file, and a power cut meanwhile leave a part of it
// there with no log to make it whole. Writing the same bytes once more makes the
// kernel write them. A log that is not there is none.
//
// It goes through the C library, as SQLite does, so that the recorded disk of the
// power cuts sees it.
func rewriteLog(path string) error {
	name := C.CString(path + "-wal")
	defer C.free(unsafe.Pointer(name))
	if failed := C.rewrite(name); failed != 0 {
		return fmt.Errorf("the log cannot be written again: %w", &os.PathError{Op: "rewrite", Path: path + "-wal", Err: syscall.Errno(failed)})
	}
	return nil
}
