// SPDX-License-Identifier: Apache-2.0
// vmsplice both ways, splice between sockets and pipes, tee, sendfile into a pipe and a socket.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
int main(void) {
    int p[2], q[2], s[2]; pipe(p); pipe(q); socketpair(AF_UNIX, SOCK_STREAM, 0, s); char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); memset(page, 'a', 8192); strcpy(page, "first");
    struct iovec v[2] = {{page, 4096}, {page + 4096, 100}}; printf("%zd ", vmsplice(p[1], v, 2, 0)); strcpy(page, "later"); char b[5000] = ""; printf("%zd %s %c\n", read(p[0], b, 5000), b, b[4195]); // The pipe holds the page, not a copy.
    write(p[1], "into memory", 12); struct iovec in = {b, 12}; memset(b, 0, 50); printf("%zd %s\n", vmsplice(p[0], &in, 1, 0), b);
    write(s[0], "over the socket", 16); printf("%zd ", splice(s[1], NULL, p[1], NULL, 100, 0)); printf("%zd ", tee(p[0], q[1], 5, 0)); printf("%zd ", splice(p[0], NULL, s[1], NULL, 100, 0)); memset(b, 0, 50); printf("%zd %s ", read(s[0], b, 50), b); memset(b, 0, 50); printf("%zd %s\n", read(q[0], b, 50), b);
    int f = open("data", O_CREAT | O_RDWR, 0600); for (int i = 0; i < 3000; i++) dprintf(f, "%d ", i); printf("%zd ", sendfile(p[1], f, &(off_t){4000}, 20)); memset(b, 0, 50); printf("%zd %s ", read(p[0], b, 50), b); lseek(f, 5, SEEK_SET); printf("%zd ", sendfile(s[0], f, NULL, 9)); memset(b, 0, 50); printf("%zd %s %ld\n", read(s[1], b, 50), b, (long)lseek(f, 0, SEEK_CUR));
    struct iovec g[1] = {{page, 4096}}; printf("%zd\n", vmsplice(p[1], g, 1, SPLICE_F_GIFT)); loff_t at = 100; printf("%zd %ld\n", splice(p[0], NULL, f, &at, 4096, SPLICE_F_MOVE), (long)at); pread(f, b, 6, 100); printf("%.6s\n", b); fcntl(p[0], F_SETFL, O_NONBLOCK); printf("%zd\n", splice(p[0], NULL, f, NULL, 10, SPLICE_F_NONBLOCK)); return 0;
}
