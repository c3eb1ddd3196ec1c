// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <linux/openat2.h>
#include <unistd.h>
static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }
int main(void) { mkdir("d", 0700); int d = open("d", O_DIRECTORY), f = openat(d, "a", O_CREAT | O_RDWR, 0644); write(f, "0123456789", 10); symlinkat("a", d, "s"); linkat(d, "a", d, "h", 0); renameat2(d, "h", d, "r", RENAME_NOREPLACE); struct stat s; fstatat(d, "s", &s, AT_SYMLINK_NOFOLLOW); printf("%o %ld %d\n", s.st_mode, (long)s.st_size, f); struct statx x; printf("%d ", statx(d, "r", 0, STATX_ALL, &x)); printf("%lu %u\n", (long)x.stx_size, x.stx_nlink); char b[100] = ""; readlinkat(d, "s", b, 100); puts(b);
    struct dirent **all; int n = scandir("d", &all, NULL, by_name); for (int i = 0; i < n; i++) printf("%s %d ", all[i]->d_name, all[i]->d_type); puts(""); printf("%d %d\n", fsetxattr(f, "user.x", "value", 5, 0), (int)fgetxattr(f, "user.x", b, 100)); fallocate(f, 0, 0, 5000); struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5}; printf("%d ", fcntl(f, F_SETLK, &l)); l.l_type = F_RDLCK; printf("%d %d\n", fcntl(f, F_GETLK, &l), l.l_type); printf("%d %d\n", flock(f, LOCK_EX | LOCK_NB), fcntl(f, F_DUPFD_CLOEXEC, 20)); struct statfs fs; printf("%d\n", fstatfs(f, &fs) + (fs.f_bsize > 0)); struct open_how h = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH}; int o = syscall(SYS_openat2, d, "a", &h, sizeof h); printf("%d %zd\n", o >= 0, pread(o, b, 3, 2)); printf("%ld\n", syscall(SYS_close_range, 20, 40, 0)); printf("%d ", access("d/a", X_OK)); printf("%ld ", syscall(439, d, "a", R_OK, 0)); umask(077); printf("%o\n", umask(0)); char c[200]; getcwd(c, 200); chdir("d"); printf("%d\n", strlen(get_current_dir_name()) == strlen(c) + 2); struct timespec t[2] = {{5, 6}, {7, 8}}; utimensat(AT_FDCWD, "a", t, 0); stat("a", &s); printf("%ld %ld\n", s.st_mtim.tv_sec, s.st_mtim.tv_nsec); ftruncate(f, 3); lseek(f, 0, SEEK_END); printf("%ld\n", lseek(f, 0, SEEK_CUR)); char tmp[] = "XXXXXX"; close(mkstemp(tmp)); unlink(tmp); printf("%d\n", posix_fadvise(f, 0, 0, POSIX_FADV_WILLNEED)); return 0; }
