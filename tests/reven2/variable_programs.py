# SPDX-License-Identifier: Apache-2.0
"""Programs with variables of every kind; `stop` is where they are looked at."""

from __future__ import annotations

VARIABLES = r"""
#include <string.h>
struct point { int x, y; };
enum color { RED, GREEN = 5 };
enum flags { A = 1, B = 2, C = 4 };
typedef struct { short a; char *text; } pair_t;
static int called(const char *text) { return text[0]; }
struct node {
    struct node *next; struct point p; char name[16]; double d; unsigned f : 3; int g : 5;
    enum color c; union { int i; float fl; }; int (*cb)(const char *); pair_t pair;
};
int global = 7;
static struct point places[2] = {{3, 4}, {5, 6}};
__thread int own = 9;
char *text = "glob\n\"al\"\033";
__attribute__((noipa)) int stop(int n) { return n + 1; }
static int twice(int n) { int local = n * 2; return stop(local) + local; }
__attribute__((noipa)) int work(struct node *n, int count, const char *what, double ratio) {
    int zeros[300]; memset(zeros, 0, sizeof zeros); zeros[250] = 1;
    char buffer[64]; memset(buffer, 0, sizeof buffer); strcpy(buffer, "hello \"w\"\n");
    char big[256]; memset(big, 'a', sizeof big);
    int array[5] = {1, 2, 3, 4, 5}, grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
    struct node me = *n; struct node *same = n;
    enum flags set = A | C, odd = 9; unsigned char byte = 200; long long negative = -5;
    float real = 1.1f, tiny = 1e-30f; long double longer = 3.25L; _Bool yes = 1;
    void *pointer = &global; int *inner = &array[2]; char **indirect = &text;
    struct point points[3] = {{1, 2}, {3, 4}, {5, 6}};
    int dynamic[count]; for (int i = 0; i < count; i++) dynamic[i] = i;
    static int kept = 3; kept++;
    short small = -3; char letter = 'x', quote = '\''; unsigned long huge = 1ul << 63;
    int (*function)(const char *) = called;
    int r = 0; r = twice(count) + own;
    return r + array[0] + zeros[0] + buffer[0] + me.p.x + (int)set + odd + byte + (int)negative
        + (int)real + (int)tiny + (int)longer + yes + (pointer != 0) + *inner + **indirect
        + points[0].x + dynamic[1] + kept + grid[0][0] + same->p.x + small + letter + quote
        + (int)huge + big[0] + function(what) + places[0].x + (int)ratio;
}
int main(void) {
    struct node n = {0, {1, 2}, "bob", 2.5, 5, -3, GREEN, {42}, called, {-1, text}};
    n.next = &n;
    return work(&n, 4, "what", 0.5) * 0 + stop(1) * 0;
}
"""

OBJECTS = r"""
namespace shapes {
enum class Kind { Circle, Square };
enum Old { ONE, TWO };
struct Base {
    int id; static int count;
    virtual ~Base() {}
    virtual int area() const { return id; }
};
int Base::count = 3;
struct Mixin { long tag; };
struct Circle : public Base, private Mixin {
    double r; Kind k; Old o; int &ref; int Circle::*member;
    Circle(int &x) : r(1.5), k(Kind::Square), o(TWO), ref(x), member(0) { id = 4; tag = 9; }
    int area() const override;
};
struct V { int v; };
struct Left : virtual V { int l; };
struct Right : virtual V { int r; };
struct Diamond : Left, Right { int d; };
template <typename T, int N> struct Box {
    T items[N];
    T first() const { return items[0]; }
    struct Inner { T t; } in;
};
typedef Box<unsigned long, 2> LongBox;
}
namespace { int hidden = 12; }
using namespace shapes;
__attribute__((noipa)) void stop() { asm volatile(""); }
int shapes::Circle::area() const { int twice = id * 2; stop(); return twice + int(r); }
template <class T> __attribute__((noinline)) T adder(const T &a, T &&b, const char (&lit)[4]) {
    T sum = a + b; stop(); return sum + lit[0];
}
__attribute__((noipa)) int use(...) { return 0; }
int main() {
    int n = 5; Circle c(n); Base *b = &c; Diamond d; d.v = 1; d.l = 2; d.r = 3; d.d = 4;
    LongBox box{{7, 8}, {9}}; shapes::Box<char, 3>::Inner inn{'q'};
    const Circle *cc = &c; wchar_t w = L'x'; char16_t c16 = u'y'; char32_t c32 = U'z';
    auto lam = [n](int x) { return x + n; }; bool no = false; int (*fp)(int) = nullptr;
    void (*sp)() = stop; unsigned char bytes[3] = {1, 2, 3}; signed char sc = -3;
    __int128 big = -5; int Circle::*member = &Circle::id; float fs[3] = {1, 2.5, 1e30};
    double ds[] = {0.1, 1e300, -0.0}; _Complex double z = 1.0; const char *null = 0;
    { int n = 77; int inner = n; b->area(); inner++; }
    adder(n, 3, "abc");
    use(&d, &box, &inn, cc, w, c16, c32, &lam, no, fp, sp, bytes, sc, &big, member, fs, ds);
    use(&z, null);
    return c.k == Kind::Circle ? lam(1) + hidden : 0;
}
"""

INLINED = r"""
struct point { int x, y; };
__attribute__((noipa)) int stop(int n) { return n; }
static inline __attribute__((always_inline)) int inner(struct point p, int scale) {
    int product = p.x * scale, kept = 0; kept = stop(product) + scale; return kept + product;
}
static inline __attribute__((always_inline)) int middle(int a) {
    struct point p = {a, a + 1}; int before = a - 1; return inner(p, 3) + before;
}
__attribute__((noipa)) int outer(int first, long second) {
    int sum = 0;
    for (int i = 0; i < 3; i++) { int step = first + i; sum += middle(step); }
    return sum + (int)second;
}
int main(void) { return outer(10, 20) * 0; }
"""
