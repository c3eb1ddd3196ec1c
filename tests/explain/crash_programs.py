# SPDX-License-Identifier: Apache-2.0
"""Programs that end badly, and where the fault is: the lines with a comment `BUG`."""

from __future__ import annotations

NULL_FROM_FOPEN = r"""
#include <stdio.h>
struct reader { FILE *file; int lines; };
static void open_reader(struct reader *reader, const char *path) {
    reader->file = fopen(path, "r");  /* BUG */
    reader->lines = 0;
}
static int count(struct reader *reader) {
    int c, n = 0;
    while ((c = fgetc(reader->file)) != EOF) n += c == '\n';
    return n;
}
int main(void) {
    struct reader reader;
    open_reader(&reader, "/nonexistent/data.txt");
    printf("%d\n", count(&reader));
    return 0;
}
"""

NULL_FROM_GETENV = r"""
#include <stdio.h>
#include <stdlib.h>
static int width(const char *text) {
    return text[0] - '0';
}
int main(void) {
    const char *columns = getenv("NOT_SET_ANYWHERE");  /* BUG */
    printf("%d\n", width(columns));
    return 0;
}
"""

NULL_FROM_MALLOC = r"""
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
static char *buffer(size_t count) {
    return malloc(count * 16);  /* BUG */
}
int main(int argc, char **argv) {
    size_t count = (size_t)argc << 55;
    char *data = buffer(count);
    data[5] = 1;
    return data[0];
}
"""

NULL_MEMBER = r"""
#include <stdio.h>
#include <stdlib.h>
struct node { int value; struct node *next; };
static struct node *make(int value) {
    struct node *node = calloc(1, sizeof *node);
    node->value = value;
    return node;
}
int main(void) {
    struct node *list = make(1);
    list->next = make(2);
    int sum = 0;
    for (int i = 0; i < 3; i++, list = list->next)
        sum += list->value;  /* BUG */
    printf("%d\n", sum);
    return 0;
}
"""

INDEX_FROM_ARGUMENT = r"""
#include <stdio.h>
#include <stdlib.h>
static int table[16] = {1, 2, 3};
static int look_up(long index) {
    return table[index];  /* BUG */
}
int main(int argc, char **argv) {
    long index = argc > 1 ? atol(argv[1]) : 99999999;
    printf("%d\n", look_up(index * 3));
    return 0;
}
"""

INDEX_FROM_FILE = r"""
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
static int32_t weights[64];
static int32_t weight_of(const uint8_t *record) {
    int32_t index = record[1] | record[2] << 8 | record[3] << 16 | record[4] << 24;
    return weights[index];  /* BUG */
}
int main(int argc, char **argv) {
    uint8_t data[64];
    int file = open(argv[1], O_RDONLY);
    if (read(file, data, sizeof data) < 20) return 1;
    printf("%d\n", weight_of(data + 10));
    return 0;
}
"""

VIRTUAL_CALL_AFTER_DELETE = r"""
#include <cstdio>
struct Shape { virtual ~Shape() {} virtual double area() const { return 0; } };
struct Square : Shape {
    double side = 3;
    double area() const override { return side * side; }
};
__attribute__((noinline)) static double measure(const Shape *one) {
    return one->area();  /* BUG */
}
__attribute__((noinline)) static void drop(Shape *one) { delete one; }
int main() {
    Shape *first = new Square, *second = new Square;
    std::printf("%g\n", measure(first) + measure(second));
    drop(second);
    drop(first);
    return int(measure(first));
}
"""

USE_AFTER_FREE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct handler { void (*run)(struct handler *); char *name; };
static void greet(struct handler *handler) { puts(handler->name); }
static struct handler *add(char *name) {
    struct handler *handler = malloc(sizeof *handler);
    handler->run = greet;
    handler->name = name;
    return handler;
}
static void drop(struct handler *handler) {
    free(handler);
}
int main(void) {
    struct handler *handler = add("first");
    handler->run(handler);
    drop(handler);
    char *text = malloc(sizeof *handler);
    memset(text, 'A', sizeof *handler);
    handler->run(handler);  /* BUG */
    return text[0];
}
"""

HEAP_OVERFLOW = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct person { char *name; int age; };
static void copy(char *to, const char *from) {
    while (*from) *to++ = *from++;  /* BUG */
    *to = 0;
}
int main(void) {
    char *text = malloc(24);
    struct person *person = malloc(sizeof *person);
    person->name = "someone";
    person->age = 3;
    copy(text, "a text that is much longer than the block has room for");
    printf("%c %d\n", person->name[0], person->age);
    return 0;
}
"""

STACK_OVERFLOW = r"""
#include <stdio.h>
static int volatile depth;
int even(long n);
__attribute__((noinline)) int odd(long n) { char room[256]; room[n & 7] = (char)n; depth++;
    return even(n - 1) + room[3]; }  /* BUG */
__attribute__((noinline)) int even(long n) { char room[256]; room[n & 7] = (char)n; depth++;
    return odd(n - 1) + room[3]; }
int main(void) {
    printf("%d\n", even(10));
    return 0;
}
"""

STACK_SMASHING = r"""
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) static void fill(char *to, int count) {
    for (int i = 0; i < count; i++) to[i] = 'x';  /* BUG */
}
__attribute__((noinline)) static int read_name(int count) {
    char name[16];
    fill(name, count);
    return name[3];
}
int main(void) {
    printf("%d\n", read_name(40));
    return 0;
}
"""

RETURN_OVERWRITTEN = r"""
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) static void fill(char *to, int count) {
    for (int i = 0; i < count; i++) to[i] = 'x';  /* BUG */
}
__attribute__((noinline)) static int read_name(int count) {
    char name[16];
    fill(name, count);
    return name[3];
}
int main(void) {
    printf("%d\n", read_name(48));
    return 0;
}
"""

DIVISION = r"""
#include <stdio.h>
#include <stdlib.h>
static int average(int sum, int count) {
    return sum / count;  /* BUG */
}
static int count_words(const char *text) {
    int count = 0;
    for (; *text; text++) count += *text == ' ';
    return count;
}
int main(int argc, char **argv) {
    int words = count_words("word");
    printf("%d\n", average(argc * 100, words));
    return 0;
}
"""

ASSERTION = r"""
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
static int size = 3;
static void set_size(int value) {
    size = value;
}
static void check(void) {
    assert(size > 0 && "size is positive");  /* BUG */
}
int main(void) {
    check();
    set_size(-4);
    check();
    return 0;
}
"""

ABORT = r"""
#include <stdio.h>
#include <stdlib.h>
static void need(int condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "internal error: %s\n", what);
        abort();  /* BUG */
    }
}
int main(int argc, char **argv) {
    need(argc > 0, "arguments");
    need(argc > 7, "more arguments");
    return 0;
}
"""

DOUBLE_FREE = r"""
#include <stdlib.h>
#include <string.h>
static void release(char *text) {
    free(text);  /* BUG */
}
int main(void) {
    char *text = malloc(100);
    strcpy(text, "text");
    release(text);
    release(text);
    return 0;
}
"""

CORRUPTED_HEAP = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) static void fill(char *to, int count) {
    for (int i = 0; i <= count + 8; i++) to[i] = 'A';  /* BUG */
}
int main(void) {
    char *a = malloc(40), *b = malloc(2000), *c = malloc(40);
    fill(a, 40);
    puts("still here");
    free(b);
    free(c);
    free(a);
    return 0;
}
"""

FORTIFIED = r"""
#include <stdio.h>
#include <string.h>
static char name[8];
__attribute__((noinline)) static void keep(const char *text) {
    strcpy(name, text);  /* BUG */
}
int main(int argc, char **argv) {
    keep(argc > 5 ? "x" : "far too long for the name");
    puts(name);
    return 0;
}
"""

THROWN = r"""
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>
struct ParseError : std::runtime_error {
    explicit ParseError(const std::string &what) : std::runtime_error(what) {}
};
static int parse(const std::string &text) {
    if (text.find('=') == std::string::npos)
        throw ParseError("no value in '" + text + "'");  // BUG
    return static_cast<int>(text.size());
}
int main() {
    std::vector<std::string> lines{"a=1", "b"};
    int sum = 0;
    try { throw 3; } catch (int n) { sum += n; }
    for (const auto &line : lines) sum += parse(line);
    std::printf("%d\n", sum);
}
"""

THROWN_BY_LIBRARY = r"""
#include <cstdio>
#include <vector>
static int pick(const std::vector<int> &values, unsigned at) {
    return values.at(at);  // BUG
}
int main(int argc, char **) {
    std::vector<int> values{1, 2, 3};
    std::printf("%d\n", pick(values, static_cast<unsigned>(argc) + 6));
}
"""

THREAD_NOT_JOINED = r"""
#include <thread>
#include <cstdio>
static void work() { std::puts("working"); }
static void start() {
    std::thread thread(work);
}  // BUG
int main() {
    start();
}
"""

PURE_VIRTUAL = r"""
struct Shape {
    Shape() { announce(); }
    virtual ~Shape() {}
    virtual int sides() const = 0;
    __attribute__((noinline)) int announce() { return sides(); }  // BUG
};
struct Square : Shape { int sides() const override { return 4; } };
int main() {
    Square square;
    return square.sides();
}
"""

TRAP = r"""
#include <stdio.h>
__attribute__((noinline)) static int kind(int value) {
    switch (value) {
        case 1: return 10;
        case 2: return 20;
    }
    __builtin_trap();  /* BUG */
}
int main(int argc, char **argv) {
    printf("%d\n", kind(argc + 6));
    return 0;
}
"""

READ_ONLY = r"""
#include <stdio.h>
__attribute__((noinline)) static void shout(char *text) {
    for (; *text; text++) *text -= 32;  /* BUG */
}
int main(void) {
    char *name = "name";
    shout(name);
    puts(name);
    return 0;
}
"""

UNMAPPED = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
static char *window;
static void close_window(void) { munmap(window, 8192); }
int main(void) {
    window = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    window[5] = 1;
    close_window();
    return window[5];  /* BUG */
}
"""

UNINITIALISED = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct item { int kind; char *text; };
static struct item *new_item(int kind) {
    struct item *item = malloc(sizeof *item);
    item->kind = kind;
    return item;
}
int main(void) {
    char *old = malloc(sizeof(struct item));
    memset(old, 'z', sizeof(struct item));
    free(old);
    struct item *item = new_item(4);
    puts(item->text);  /* BUG */
    return 0;
}
"""

EXIT_STATUS = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int load(const char *path) {
    int file = open(path, O_RDONLY);
    if (file < 0) {
        fprintf(stderr, "cannot open %s: %s\n", path, strerror(errno));
        return -1;
    }
    close(file);
    return 0;
}
int main(void) {
    if (load("/proc/self/exe") < 0) return 2;
    if (load("/nonexistent/settings") < 0)
        exit(3);  /* BUG */
    puts("loaded");
    return 0;
}
"""

EXIT_BY_VALUE = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static int check(const char *password) {
    int sum = 0;
    while (*password) sum = sum * 7 + *password++;
    return sum == 1234567;
}
int main(int argc, char **argv) {
    char line[64] = {0};
    if (read(0, line, 60) < 0) return 9;
    if (!check(line))  /* BUG */
        return 4;
    puts("right");
    return 0;
}
"""

DEADLOCK = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t kitchen = PTHREAD_MUTEX_INITIALIZER, garden = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
static int food;
static void *cook(void *unused) {
    pthread_mutex_lock(&kitchen);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&garden);  /* BUG */
    food++;
    pthread_mutex_unlock(&garden);
    pthread_mutex_unlock(&kitchen);
    return unused;
}
int main(void) {
    pthread_t thread;
    pthread_barrier_init(&both, 0, 2);
    alarm(1);
    pthread_create(&thread, 0, cook, 0);
    pthread_mutex_lock(&garden);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&kitchen);  /* BUG */
    food++;
    pthread_mutex_unlock(&kitchen);
    pthread_mutex_unlock(&garden);
    pthread_join(thread, 0);
    return 0;
}
"""

ENDLESS_LOOP = r"""
#include <stdio.h>
#include <unistd.h>
useconds_t ualarm(useconds_t, useconds_t);
static unsigned volatile ticks;
__attribute__((noinline)) static int settle(unsigned value) {
    while (value != 1) {  /* BUG */
        value = value % 2 ? value + 2 : value;  /* BUG */
        ticks++;  /* BUG */
    }
    return 1;
}
int main(void) {
    ualarm(50000, 0);
    return settle(7);
}
"""

BROKEN_PIPE = r"""
#include <stdio.h>
#include <unistd.h>
int main(void) {
    int ends[2];
    if (pipe(ends)) return 1;
    close(ends[0]);
    write(ends[1], "hello", 5);  /* BUG */
    return 0;
}
"""

SUCCESS = r"""
#include <stdio.h>
int main(void) {
    puts("all well");
    return 0;
}
"""

SILENT_OVERFLOW = r"""
#include <stdlib.h>
#include <string.h>
int main(void) {
    char *text = malloc(24), *other = malloc(24);
    memcpy(text, "a text with more than twenty-four", 28);  /* BUG */
    return other[0] == 77;
}
"""

RETURNED_LOCAL = r"""
#include <stdio.h>
struct place { int *value; };
static struct place *make(int *value) {
    struct place l;
    l.value = value;
    struct place *volatile made = &l;
    return made;
}
static void noise(long n) {
    volatile long room[16];
    for (int i = 0; i < 16; i++) room[i] = 0x4242424242424242 + n;
}
int main(void) {
    int value = 5;
    struct place *place = make(&value);
    noise(1);
    printf("%d\n", *place->value);  /* BUG */
    return 0;
}
"""

TEXT_OVER_POINTER = r"""
#include <stdio.h>
#include <string.h>
static int use(const char *text) {
    int number = 4;
    struct { char name[16]; int *pointer; } local = {"", &number};
    strcpy(local.name, text);  /* BUG */
    return *local.pointer;
}
int main(void) {
    printf("%d\n", use("a text of some more than sixteen"));
    return 0;
}
"""

LOOP_OVER_POINTER = r"""
#include <stdio.h>
#include <stdlib.h>
struct station { char name[16]; long *samples; long count; } stations[4];
static long sum(const struct station *station) {
    long sum = 0;
    for (long i = 2; i < station->count; i++)
        sum += station->samples[i];
    return sum;
}
static void rename_to(struct station *station, const char *from) {
    char *to = station->name;
    while (*from)
        *to++ = *from++;  /* BUG */
    *to = 0;
}
int main(void) {
    for (int i = 0; i < 4; i++) {
        stations[i].samples = calloc(8, sizeof(long));
        stations[i].count = 8;
    }
    rename_to(&stations[1], "a-name-beyond-north");
    for (int i = 0; i < 4; i++) printf("%ld\\n", sum(&stations[i]));
    return 0;
}
"""

FUNCTION_TABLE = r"""
#include <stdio.h>
#include <stdlib.h>
static int add(int a) { return a + 1; }
static int less(int a) { return a - 1; }
static int (*ops[2])(int) = {add, less};
static long after[64] = {[5] = 0x1234567};
__attribute__((noinline)) int apply(int op, int a) {
    return ops[op](a) + 1;  /* BUG */
}
int main(int argc, char **argv) {
    printf("%d %ld\n", apply(argc + 6, 3), after[argc]);
    return 0;
}
"""

NOEXCEPT = r"""
#include <stdexcept>
static void fail(int n) {
    if (n > 0)
        throw std::logic_error("inner");  // BUG
}
static void run(int n) noexcept { fail(n); }
int main(int argc, char **) {
    try { run(argc); } catch (...) { return 3; }
    return 0;
}
"""
