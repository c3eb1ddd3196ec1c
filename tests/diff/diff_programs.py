# SPDX-License-Identifier: Apache-2.0
"""Programs that do one thing with one input and another with another, for a known reason; each
also differs in ways that do not matter."""

from __future__ import annotations

PARSER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int check(const unsigned char *d, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 4; i < n; i++)
        sum = sum * 31 + d[i];
    if (d[2] > 8) /* decides */
        return -1;
    return (int)(sum % 97);
}
int main(int c, char **v)
{
    unsigned char buf[256];
    FILE *f = fopen(v[1], "rb");
    if (!f)
        return 2;
    size_t n = fread(buf, 1, sizeof buf, f);
    fclose(f);
    int r = check(buf, n);
    if (r < 0) {
        fprintf(stderr, "refused\n");
        return 1;
    }
    printf("accepted\n");
    return 0;
}
"""

TABLE = r"""
#include <stdio.h>
#include <stdlib.h>
static int table[16];
static void load(const char *path)
{
    FILE *f = fopen(path, "r");
    for (int i = 0; i < 16; i++)
        if (fscanf(f, "%d", &table[i]) != 1)
            exit(3);
    fclose(f);
}
static int cost(const char *s)
{
    int total = 0;
    for (; *s; s++)
        total += table[*s & 15];
    return total;
}
int main(int c, char **v)
{
    load(v[1]);
    int n = cost("hello, world");
    if (n > 150) { /* decides */
        puts("too dear");
        return 1;
    }
    puts("cheap");
    return 0;
}
"""

UNINITIALISED = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct options { int verbose; int strict; };
static int __attribute__((noinline)) warm(int n)
{
    volatile char room[512];
    for (unsigned i = 0; i < sizeof room; i++)
        room[i] = (char)n;
    return room[n & 255];
}
static int __attribute__((noinline)) run(int n)
{
    volatile int room[64];
    struct options o;
    o.verbose = n;
    room[3] = n;
    if (((volatile struct options *)&o)->strict) /* decides */
        return 1;
    return 0;
}
int main(int c, char **v)
{
    int n = v[1][0] - '0';
    warm(n); /* leaves n on the stack */
    if (run(2)) {
        puts("strict");
        return 1;
    }
    puts("lax");
    return 0;
}
"""

LOOP = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int c, char **v)
{
    char name[8], guard[8] = "safe";
    const char *env = getenv("UNRELATED");
    int noise = 0;
    for (; env && *env; env++) /* differs, and does not matter */
        noise += *env;
    int limit = atoi(v[1]);
    char *to = name;
    volatile char *target = to;
    for (int i = 0; i < limit; i++)
        target[i] = 'A';
    int bad = 0;
    for (int i = 0; i < limit; i++) /* decides */
        bad |= i >= 8;
    if (bad) {
        puts("overrun");
        return 1;
    }
    printf("%s\n", guard);
    return noise == -1;
}
"""

HASH = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
static unsigned seed;
static const char *slots[16];
static unsigned hash(const char *s)
{
    unsigned h = seed;
    while (*s)
        h = h * 33 + (unsigned char)*s++;
    return h % 16;
}
static void put(const char *s)
{
    unsigned at = hash(s);
    while (slots[at])
        at = (at + 1) % 16;
    slots[at] = s;
}
int main(int c, char **v)
{
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return 2;
    const char *names[] = {"apple", "pear", "plum", "cherry", "fig", "quince", "lemon", "date"};
    for (unsigned i = 0; i < 8; i++)
        put(names[i]);
    for (int i = 0; i < 16; i++)
        if (slots[i])
            puts(slots[i]);
    return 0;
}
"""

TIME = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
int main(int c, char **v)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    long tick = now.tv_nsec / 1000 + now.tv_sec * 1000000;
    char *room = malloc(32 + getpid() % 64);
    snprintf(room, 32, "%d", (int)getpid());
    free(room);
    printf("%ld\n", tick);
    return 0;
}
"""

TWO_THREADS = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static volatile long last;
static long pauses[2];
static void *work(void *argument)
{
    long n = (long)argument;
    struct timespec t = {0, pauses[n] * 1000000};
    nanosleep(&t, NULL);
    last = n + 1;
    return NULL;
}
int main(int c, char **v)
{
    pthread_t a, b;
    pauses[0] = atol(v[1]);
    pauses[1] = atol(v[2]);
    pthread_create(&a, NULL, work, (void *)0);
    pthread_create(&b, NULL, work, (void *)1);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    if (last == 2) /* decides */
        puts("second");
    else
        puts("first");
    return 0;
}
"""

CRASH = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { int value; struct node *next; };
static struct node *build(const char *s)
{
    struct node *head = NULL;
    for (; *s; s++) { /* decides */
        struct node *n = malloc(sizeof *n);
        n->value = *s;
        n->next = head;
        head = n;
    }
    return head;
}
int main(int c, char **v)
{
    struct node *list = build(v[1]);
    int sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += list->value; /* faults */
        list = list->next;
    }
    printf("%d\n", sum);
    return 0;
}
"""

RECURSION = r"""
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
static jmp_buf out;
static int walk(const char *s, int depth)
{
    if (*s == '(')
        return walk(s + 1, depth + 1);
    if (*s == ')')
        return walk(s + 1, depth - 1);
    if (*s == '!')
        longjmp(out, 1);
    if (*s)
        return walk(s + 1, depth);
    return depth;
}
int main(int c, char **v)
{
    int depth = -100;
    if (!setjmp(out))
        depth = walk(v[1], 0);
    int late = 0;
    for (const char *s = v[2]; *s; s++) /* decides */
        late += *s == 'x';
    if (late > 1) {
        puts("late");
        return 1;
    }
    return depth == 1000;
}
"""

BUILD = r"""
#include <stdio.h>
#include <stdlib.h>
static int room[8];
static int fill(int n)
{
    int last = -1;
#ifdef MENDED
    for (int i = 0; i < n; i++) /* decides */
#else
    for (int i = 0; i <= n; i++) /* decides */
#endif
        last = i;
    return last;
}
int main(void)
{
    int last = fill(8);
    if (last >= 8) {
        puts("beyond");
        return 1;
    }
    puts("inside");
    return room[last];
}
"""

SWITCH = r"""
#include <stdio.h>
#include <stdlib.h>
static int step(int code, int value)
{
    switch (code) { /* decides */
    case 'a': return value + 1;
    case 'b': return value * 3;
    case 'c': return value - 2;
    case 'd': return value ^ 5;
    case 'e': return value + 7;
    case 'f': return value * value;
    default: return 0;
    }
}
int main(int c, char **v)
{
    int value = 2;
    for (const char *s = v[1]; *s; s++)
        value = step(*s, value);
    printf("%d\n", value);
    return 0;
}
"""

THROWN = r"""
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>
static int parse(const std::string &text)
{
    int sum = 0;
    for (char c : text) {
        if (c == '?') /* decides */
            throw std::runtime_error("bad");
        sum += c;
    }
    return sum;
}
int main(int count, char **words)
{
    std::vector<int> sums;
    for (int i = 1; i < count; i++) {
        try {
            sums.push_back(parse(words[i]));
        } catch (const std::exception &) {
            sums.push_back(-1);
        }
    }
    for (int sum : sums)
        if (sum < 0) {
            std::puts("refused");
            return 3;
        }
    std::puts("accepted");
    return 0;
}
"""
