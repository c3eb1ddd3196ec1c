// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread
// quick: yes
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, kinds[4];
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER; static pthread_spinlock_t spin; static sem_t sem;
static pthread_once_t once = PTHREAD_ONCE_INIT; static long count[4], made; static pthread_key_t key;
static void destroy(void *v) { __atomic_add_fetch(&count[3], (long)v, __ATOMIC_SEQ_CST); }
static void init(void) { made++; pthread_key_create(&key, destroy); }
static void *work(void *a) {
    pthread_once(&once, init); pthread_setspecific(key, a);
    for (int i = 0; i < 300; i++) {
        pthread_mutex_lock(&kinds[i % 3]); pthread_mutex_lock(&plain); count[0]++; pthread_mutex_unlock(&plain); pthread_mutex_unlock(&kinds[i % 3]);
        if (i % 5) { pthread_rwlock_rdlock(&rw); } else { pthread_rwlock_wrlock(&rw); count[1]++; } pthread_rwlock_unlock(&rw);
        pthread_spin_lock(&spin); count[2]++; pthread_spin_unlock(&spin);
    }
    sem_post(&sem); return NULL;
}
static void *dies(void *a) { pthread_mutex_lock(&kinds[3]); return a; }
int main(void) {
    pthread_mutexattr_t m; int types[] = {PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};
    for (int i = 0; i < 3; i++) { pthread_mutexattr_init(&m); pthread_mutexattr_settype(&m, types[i]); pthread_mutex_init(&kinds[i], &m); }
    pthread_mutexattr_init(&m); pthread_mutexattr_setrobust(&m, PTHREAD_MUTEX_ROBUST); pthread_mutex_init(&kinds[3], &m);
    pthread_spin_init(&spin, 0); sem_init(&sem, 0, 0);
    pthread_t t[6]; for (long i = 0; i < 5; i++) pthread_create(&t[i], NULL, work, (void *)(i + 1));
    for (int i = 0; i < 5; i++) sem_wait(&sem);
    for (int i = 0; i < 5; i++) pthread_join(t[i], NULL);
    pthread_create(&t[5], NULL, dies, NULL); pthread_join(t[5], NULL);
    int dead = pthread_mutex_lock(&kinds[3]) == EOWNERDEAD; pthread_mutex_consistent(&kinds[3]); pthread_mutex_unlock(&kinds[3]);
    printf("%ld %ld %ld %ld %ld %d %d\n", count[0], count[1], count[2], count[3], made, dead, pthread_mutex_lock(&kinds[3]));
    return 0;
}
