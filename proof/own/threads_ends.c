// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread
// The first thread ends first; one is cancelled, one detached; the last one exits the process.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void cleanup(void *a) { printf("cleanup %s\n", (char *)a); fflush(stdout); }
static void *forever(void *a) { pthread_cleanup_push(cleanup, "cancelled"); for (;;) pause(); pthread_cleanup_pop(0); return a; }
static void *last(void *a) { pthread_t t; void *r; pthread_join(*(pthread_t *)a, NULL); pthread_create(&t, NULL, forever, NULL); pthread_cancel(t); pthread_join(t, &r); printf("%d\n", r == PTHREAD_CANCELED); exit(5); }
int main(void) { static pthread_t me; me = pthread_self(); pthread_t t; pthread_create(&t, NULL, last, &me); pthread_exit(NULL); }
