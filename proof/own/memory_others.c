// SPDX-License-Identifier: Apache-2.0
// What process_vm_writev, ptrace and /proc/self/mem write.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>
int main(void) { char from[16] = "vm_writev", to[16] = ""; struct iovec l = {from, 10}, r = {to, 10}; printf("%zd %s\n", process_vm_writev(getpid(), &l, 1, &r, 1, 0), to); from[0] = 'V'; printf("%zd %s\n", process_vm_readv(getpid(), &r, 1, &l, 1, 0), to);
    int fd = open("/proc/self/mem", O_RDWR); printf("%zd ", pwrite(fd, "mem", 4, (long)to)); puts(to); char back[4]; printf("%zd %s\n", pread(fd, back, 4, (long)to), back); return 0; }
