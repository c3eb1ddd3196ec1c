// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -mcx16 -pthread
// libraries: -latomic
#include <pthread.h>
#include <stdio.h>
static long a, x; static __int128 w; static unsigned char by; static unsigned short sh;
static void *work(void *n) { for (int i = 0; i < 500; i++) { __atomic_fetch_add(&a, 3, 5); __atomic_fetch_xor(&x, 1l << (i & 31), 5); __atomic_add_fetch(&by, 1, 5); __atomic_or_fetch(&sh, 1 << (i & 15), 5); __int128 o = w; while (!__sync_bool_compare_and_swap(&w, o, o + 7)) o = w; __asm__ volatile("lock bts %1, %0" : "+m"(x) : "r"(40l) : "cc"); } return n; }
int main(void) { pthread_t t[3]; for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, work, NULL); for (int i = 0; i < 3; i++) pthread_join(t[i], NULL); long old = __atomic_exchange_n(&a, 5, 5); printf("%ld %lx %ld %u %u\n", old, x, (long)w, by, sh); return 0; }
