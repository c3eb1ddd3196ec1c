// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) { aio_context_t c = 0; printf("%ld\n", syscall(SYS_io_setup, 4, &c)); int f = open("made", O_RDWR | O_CREAT | O_TRUNC, 0600); write(f, "0123456789", 10); char b[16] = ""; struct iocb o = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = f, .aio_buf = (long)b, .aio_nbytes = 5, .aio_offset = 3, .aio_data = 77}, *l[] = {&o}; printf("%ld ", syscall(SYS_io_submit, c, 1, l)); struct io_event e; printf("%ld ", syscall(SYS_io_getevents, c, 1, 1, &e, NULL)); printf("%lld %llu %s\n", (long long)e.res, (unsigned long long)e.data, b); syscall(SYS_io_destroy, c); return 0; }
