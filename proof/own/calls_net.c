// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
static struct sockaddr_in where;
static void *client(void *a) { int s = socket(AF_INET, SOCK_STREAM, 0); connect(s, (void *)&where, sizeof where); send(s, "hello", 5, 0); char b[9] = ""; recv(s, b, 8, MSG_WAITALL); printf("client %s\n", b); close(s); return a; }
int main(void) { int l = socket(AF_INET, SOCK_STREAM, 0); where.sin_family = AF_INET; where.sin_addr.s_addr = htonl(INADDR_LOOPBACK); bind(l, (void *)&where, sizeof where); socklen_t n = sizeof where; getsockname(l, (void *)&where, &n); listen(l, 5); pthread_t t; pthread_create(&t, NULL, client, NULL);
    struct sockaddr_in peer; n = sizeof peer; int c = accept4(l, (void *)&peer, &n, SOCK_CLOEXEC); printf("%u %s\n", n, inet_ntoa(peer.sin_addr)); char b[9] = ""; recvfrom(c, b, 5, MSG_PEEK, NULL, NULL); read(c, b, 5); puts(b); struct pollfd p = {c, POLLOUT, 0}; printf("%d %d\n", poll(&p, 1, 1000), p.revents); write(c, "answered", 8); pthread_join(t, NULL); printf("%zd\n", read(c, b, 8));
    int u = socket(AF_INET, SOCK_DGRAM, 0), w = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}; bind(u, (void *)&a, sizeof a); n = sizeof a; getsockname(u, (void *)&a, &n); struct mmsghdr m[3] = {0}; struct iovec v[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}}; for (int i = 0; i < 3; i++) { m[i].msg_hdr.msg_iov = &v[i]; m[i].msg_hdr.msg_iovlen = 1; m[i].msg_hdr.msg_name = &a; m[i].msg_hdr.msg_namelen = sizeof a; } printf("%d %u ", sendmmsg(w, m, 3, 0), m[2].msg_len); char in[3][8] = {{0}}; struct sockaddr_in from[3]; struct mmsghdr r[3] = {0}; struct iovec x[3]; for (int i = 0; i < 3; i++) { x[i] = (struct iovec){in[i], 8}; r[i].msg_hdr.msg_iov = &x[i]; r[i].msg_hdr.msg_iovlen = 1; r[i].msg_hdr.msg_name = &from[i]; r[i].msg_hdr.msg_namelen = sizeof from[i]; } printf("%d %u %s %u\n", recvmmsg(u, r, 3, 0, NULL), r[2].msg_len, in[1], r[0].msg_hdr.msg_namelen);
    struct ifconf i; char ib[4096]; i.ifc_len = sizeof ib; i.ifc_buf = ib; ioctl(u, SIOCGIFCONF, &i); printf("%s\n", ((struct ifreq *)ib)->ifr_name); struct ifreq q = {0}; strcpy(q.ifr_name, "lo"); ioctl(u, SIOCGIFFLAGS, &q); printf("%d\n", (q.ifr_flags & IFF_LOOPBACK) != 0); int left; ioctl(u, FIONREAD, &left); printf("%d\n", left); struct addrinfo h = {.ai_flags = AI_NUMERICHOST}, *g; printf("%d\n", getaddrinfo("127.0.0.1", "80", &h, &g)); struct ifaddrs *f; printf("%d\n", getifaddrs(&f)); return 0; }
