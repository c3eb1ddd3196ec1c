// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread
// seconds: 300
// 600 threads that live at once.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
static pthread_barrier_t here; static _Atomic int sum;
static void *work(void *a) { sum += (int)(long)a; pthread_barrier_wait(&here); return a; }
int main(void) {
    static pthread_t t[600]; pthread_attr_t small; pthread_attr_init(&small); pthread_attr_setstacksize(&small, 65536);
    pthread_barrier_init(&here, NULL, 601);
    for (long i = 0; i < 600; i++) if (pthread_create(&t[i], &small, work, (void *)i)) return 9;
    pthread_barrier_wait(&here);
    long back = 0; for (int i = 0; i < 600; i++) { void *r; pthread_join(t[i], &r); back += (long)r; }
    printf("%d %ld\n", sum, back); return 0;
}
