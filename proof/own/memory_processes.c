// SPDX-License-Identifier: Apache-2.0
// A parent and its children on one shared mapping, with a process-shared mutex and semaphore.
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
struct shared { pthread_mutex_t m; sem_t s; long sum; char text[64]; };
int main(void) { struct shared *a = mmap(NULL, sizeof *a, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t k; pthread_mutexattr_init(&k); pthread_mutexattr_setpshared(&k, 1); pthread_mutex_init(&a->m, &k); sem_init(&a->s, 1, 0);
    for (int c = 0; c < 3; c++) if (fork() == 0) { for (int i = 0; i < 500; i++) { pthread_mutex_lock(&a->m); a->sum += c + 1; pthread_mutex_unlock(&a->m); } a->text[c] = 'a' + c; sem_post(&a->s); _exit(0); }
    for (int c = 0; c < 3; c++) sem_wait(&a->s); while (wait(NULL) > 0); printf("%ld %s\n", a->sum, a->text); return 0; }
