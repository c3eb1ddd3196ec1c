// SPDX-License-Identifier: Apache-2.0
// libraries: -lrt
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) { int q = msgget(IPC_PRIVATE, 0600); struct { long t; char x[16]; } m = {5, "message"}, n = {0}; msgsnd(q, &m, 16, 0); printf("%zd %ld %s\n", msgrcv(q, &n, 16, -9, 0), n.t, n.x); struct msqid_ds d; msgctl(q, IPC_STAT, &d); printf("%lu\n", d.msg_qnum); msgctl(q, IPC_RMID, NULL); int s = semget(IPC_PRIVATE, 3, 0600); unsigned short v[3] = {1, 2, 3}, w[3]; semctl(s, 0, SETALL, v); struct sembuf o[2] = {{0, 5, 0}, {2, -3, 0}}; semop(s, o, 2); semctl(s, 0, GETALL, w); printf("%d %d %d\n", w[0], w[1], w[2]); semctl(s, 0, IPC_RMID); char name[40]; sprintf(name, "/proof%d", getpid()); struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 32}, g; mqd_t mq = mq_open(name, O_CREAT | O_RDWR, 0600, &a); mq_send(mq, "queued", 7, 3); char b[32]; unsigned p; printf("%zd ", mq_receive(mq, b, 32, &p)); printf("%s %u ", b, p); mq_getattr(mq, &g); printf("%ld\n", g.mq_msgsize); mq_unlink(name); int f = shm_open(name, O_CREAT | O_RDWR, 0600); ftruncate(f, 4096); int *x = mmap(NULL, 4096, 3, MAP_SHARED, f, 0); *x = 7; int y; pread(f, &y, 4, 0); printf("%d\n", y); shm_unlink(name); return 0; }
