# SPDX-License-Identifier: Apache-2.0
"""Small programs that do one thing that is hard to record."""

from __future__ import annotations

HELLO = """
#include <stdio.h>
int main(void) { puts("hello"); return 7; }
"""

THREADS = """
#include <pthread.h>
#include <stdlib.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;
static void *work(void *argument) {
  long own = (long)argument, *values = malloc(4096 * sizeof(long));
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 4096; i++) own = values[i] = own * 31 + i;
    pthread_mutex_lock(&lock); total += own; pthread_mutex_unlock(&lock);
    __sync_fetch_and_add(&total, 1);
  }
  free(values);
  return NULL;
}
int main(void) {
  pthread_t threads[4];
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  return 0;
}
"""

THREAD_CHURN = """
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
static long total;
static __thread int own;
static void *work(void *argument) { own++; __sync_fetch_and_add(&total, own); return argument; }
static void *forks(void *argument) {
  int status;
  if (fork() == 0) _exit(4);
  wait(&status);
  return argument;
}
int main(void) {
  pthread_t threads[20];
  for (int i = 0; i < 60; i++) {
    pthread_create(&threads[0], NULL, work, NULL);
    pthread_join(threads[0], NULL);
  }
  for (int i = 0; i < 20; i++) pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < 20; i++) pthread_join(threads[i], NULL);
  pthread_create(&threads[0], NULL, forks, NULL);
  pthread_join(threads[0], NULL);
  pthread_exit(NULL);
}
"""

AVX2 = """
#include <immintrin.h>
#include <stdio.h>
int main(void) {
  static int table[256], result[8];
  if (!__builtin_cpu_supports("avx2")) return 0;
  for (int i = 0; i < 256; i++) table[i] = i * i;
  __m256i index = _mm256_setr_epi32(3, 1, 4, 1, 5, 9, 2, 6);
  __m256i mask = _mm256_setr_epi32(-1, 0, -1, -1, 0, -1, 0, -1), sum = index;
  for (int i = 0; i < 20; i++) {
    sum = _mm256_add_epi32(sum, _mm256_i32gather_epi32(table, index, 4));
    sum = _mm256_shuffle_epi8(sum, _mm256_set1_epi8(5));
    _mm256_maskstore_epi32(result, mask, sum);
    sum = _mm256_xor_si256(sum, _mm256_maskload_epi32(result, mask));
  }
  return _mm256_extract_epi32(sum, 3) == 12345;
}
"""

SIGNALS = """
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
static volatile int alarms;
static sigjmp_buf back;
static char stack[65536];
static void on_alarm(int number) { (void)number; alarms++; }
static void on_fault(int number) { siglongjmp(back, number); }
int main(void) {
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction fault = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
  struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  volatile long spins = 0;
  volatile int zero = 0;
  signal(SIGALRM, on_alarm);
  setitimer(ITIMER_REAL, &often, NULL);
  while (alarms < 5) spins++;
  setitimer(ITIMER_REAL, &never, NULL);
  sigaltstack(&alternate, NULL);
  sigaction(SIGSEGV, &fault, NULL);
  sigaction(SIGFPE, &fault, NULL);
  for (volatile int i = 0; i < 3; i++)
    if (sigsetjmp(back, 1) == 0) *(volatile int *)(8L + i) = i;
  if (sigsetjmp(back, 1) == 0) zero = 5 / zero;
  raise(SIGALRM);
  return alarms < 6;
}
"""

REPEATS = """
#include <string.h>
int main(void) {
  static char from[5000], to[5000];
  void *d = from, *s = from;
  long n = sizeof from;
  __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(0x41) : "memory");
  d = to; n = sizeof to;
  __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
  d = to; s = from; n = sizeof to; to[1234] = 1;
  __asm__ volatile("repe cmpsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory", "cc");
  d = to; n = 0;
  __asm__ volatile("std; rep stosb; cld" : "+D"(d), "+c"(n) : "a"(0x42) : "memory");
  return n != 0;
}
"""

SELF_MODIFYING = """
#include <string.h>
#include <sys/mman.h>
int main(void) {
  unsigned char *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int sum = 0;
  for (int i = 0; i < 50; i++) {
    unsigned char function[] = {0xb8, i, 0, 0, 0, 0xc3};
    memcpy(code, function, sizeof function);
    sum += ((int (*)(void))code)();
  }
  return sum != 1225;
}
"""

MAPPINGS = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static long sum(const char *p, long n) { long s = 0; while (n--) s += p[n]; return s; }
int main(int count, char **arguments) {
  (void)count;
  char *heap = sbrk(5000);
  memset(heap, 1, 5000);
  sbrk(-4500);
  sbrk(20000);
  long total = sum(heap, 19000);
  char *map = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(map, 7, 65536);
  map = mremap(map, 65536, 4 << 20, MREMAP_MAYMOVE);
  total += sum(map, 4 << 20);
  madvise(map, 8192, MADV_DONTNEED);
  total += sum(map, 65536);
  mprotect(map, 4096, PROT_NONE);
  munmap(map + 4096, 4096);
  int fd = open(arguments[0], O_RDONLY);
  char *file = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  total += sum(file, 8192);
  file[10] = 3;
  madvise(file, 4096, MADV_DONTNEED);
  total += sum(file, 8192);
  char *hidden = mmap(0, 8192, PROT_NONE, MAP_PRIVATE, fd, 0);
  mprotect(hidden, 8192, PROT_READ);
  total += sum(hidden, 8192);
  char stack[300000];
  memset(stack, 1, sizeof stack);
  total += sum(stack, sizeof stack);
  return total == 0;
}
"""

VECTORS = """
#include <stdio.h>
#include <string.h>
int main(void) {
  float a[64], b[64];
  long double sum = 1.0L;
  char area[512] __attribute__((aligned(16)));
  for (int i = 0; i < 64; i++) { a[i] = i; b[i] = 2 * i; }
  for (int i = 0; i < 64; i += 4)
    __asm__ volatile("movups (%0), %%xmm0; addps (%1), %%xmm0; movups %%xmm0, (%0)"
                     : : "r"(a + i), "r"(b + i) : "xmm0", "memory");
  for (int i = 1; i < 200; i++) sum = sum * 1.0001L + 1.0L / i;
  __asm__ volatile("fxsave %0; fxrstor %0" : "+m"(area));
  char text[64];
  snprintf(text, sizeof text, "%f %Lf", a[63], sum);
  return strlen(text) == 0;
}
"""

FORK = """
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  int status;
  if (fork() == 0) return 3;
  wait(&status);
  if (fork() == 0) { execl("/bin/echo", "echo", "from the child", (char *)0); return 4; }
  wait(&status);
  return WEXITSTATUS(status);
}
"""

EXEC = """
#include <unistd.h>
int main(void) {
  execl("/nonexistent", "nonexistent", (char *)0);
  execl("/bin/true", "true", (char *)0);
  return 1;
}
"""

MARKS = """
#include <stdio.h>
__attribute__((noinline)) void mark(int n) { __asm__ volatile("" : : "r"(n)); }
__attribute__((noinline)) int work(int n) { int s = 0; while (n--) s += n * n; return s; }
int main(void) {
  int s = 0;
  for (int i = 0; i < 5; i++) { mark(i); s += work(100); }
  return s == 0;
}
"""

WAITING = """
#include <stdio.h>
#include <unistd.h>
int main(void) { puts("ready"); fflush(stdout); while (1) pause(); }
"""

SLEEPING = """
#include <stdio.h>
#include <unistd.h>
int main(void) { puts("ready"); fflush(stdout); while (1) usleep(100000); }
"""

STUBBORN = """
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  if (fork() == 0) {
    signal(SIGINT, SIG_IGN);
    puts("ready");
    fflush(stdout);
    while (1) pause();
  }
  wait(NULL);
  return 0;
}
"""

FAULTS = """
#include <signal.h>
#include <stdlib.h>
static char area[64] __attribute__((aligned(16)));
int main(int count, char **arguments) {
  (void)count;
  switch (arguments[1][0]) {
    case 'i': __asm__ volatile("nop; ud2"); break;
    case 't': __asm__ volatile("nop; int3; nop"); break;
    case 'd': __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cdq; idiv %%ecx"
                               : : : "eax", "ecx", "edx"); break;
    case 'a': __asm__ volatile("nop; movaps %%xmm0, 1(%0)" : : "r"(area) : "memory"); break;
    case 's': __asm__ volatile("incl %%eax; movl %%eax, 0x10" : : : "eax", "memory"); break;
    case 'r': __asm__ volatile("mov $16, %%edi; mov $100, %%ecx; rep stosb"
                               : : : "rdi", "rcx", "memory"); break;
    case 'b': abort();
    case 'k': raise(SIGKILL);
  }
  return 0;
}
"""

ENVIRONMENT = """
#include <stdio.h>
extern char **environ;
int main(int count, char **arguments) {
  for (int i = 0; i < count; i++) printf("argument %s\\n", arguments[i]);
  for (char **e = environ; *e; e++) puts(*e);
  for (int c; (c = getchar()) != EOF;) putchar(c);
  fputs("error", stderr);
  return 0;
}
"""
