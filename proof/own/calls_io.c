// SPDX-License-Identifier: Apache-2.0
// Pipes, sockets, passed descriptors, splice, sendfile, copy_file_range.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
int main(void) {
    int p[2], s[2]; char b[64] = ""; pipe2(p, O_CLOEXEC); socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s); printf("%d %d\n", p[0], s[1]);
    struct iovec v[3] = {{"one", 3}, {"two", 3}, {"!", 1}}; writev(p[1], v, 3); printf("%zd ", read(p[0], b, 64)); puts(b);
    int f = open("made", O_RDWR | O_CREAT | O_TRUNC, 0640), t = open("copy", O_RDWR | O_CREAT, 0600); for (int i = 0; i < 1000; i++) dprintf(f, "%d\n", i);
    off_t at = 10; printf("%zd %ld\n", sendfile(t, f, &at, 100), (long)at); loff_t in = 5, out = 200; printf("%zd %ld %ld\n", copy_file_range(f, &in, t, &out, 50, 0), (long)in, (long)out);
    in = 100; printf("%zd %ld ", splice(f, &in, p[1], NULL, 20, 0), (long)in); int q[2]; pipe(q); printf("%zd ", tee(p[0], q[1], 20, 0)); memset(b, 0, 64); printf("%zd %zd ", read(p[0], b, 64), read(q[0], b + 30, 30)); puts(b);
    char c[CMSG_SPACE(4)] = ""; struct iovec one = {"x", 1}; struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c}; struct cmsghdr *h = CMSG_FIRSTHDR(&m); h->cmsg_level = SOL_SOCKET; h->cmsg_type = SCM_RIGHTS; h->cmsg_len = CMSG_LEN(4); memcpy(CMSG_DATA(h), &f, 4);
    printf("%zd ", sendmsg(s[0], &m, 0)); char d[8], e[64]; struct iovec into = {d, 8}; struct msghdr r = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = e, .msg_controllen = 64}; printf("%zd ", recvmsg(s[1], &r, 0)); int got; memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&r)), 4); printf("%d %zu %d %zd\n", got, r.msg_controllen, r.msg_flags, pread(got, b, 3, 0));
    struct sockaddr_un name; socklen_t n = sizeof name; printf("%d %u\n", getsockname(s[0], (void *)&name, &n), n); int type; n = 4; getsockopt(s[0], SOL_SOCKET, SO_TYPE, &type, &n); printf("%d %u\n", type, n); struct ucred u; n = sizeof u; getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &n); printf("%d\n", u.pid == getpid()); return 0; }
