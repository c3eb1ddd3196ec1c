// SPDX-License-Identifier: Apache-2.0
// flags: -O2
// quick: yes
#include <stdio.h>
typedef struct { int steps, sum; } State;
static int a(State *s), b(State *s), c(State *s);
static int (*volatile table[3])(State *) = {a, b, c};
static int a(State *s) { s->sum += 1; return --s->steps ? table[s->steps % 3](s) : s->sum; }
static int b(State *s) { s->sum *= 3; return --s->steps ? table[s->steps % 3](s) : s->sum; }
static int c(State *s) { s->sum ^= 5; return --s->steps ? table[s->steps % 3](s) : s->sum; }
int main(void) { State s = {10000, 0}; printf("%d\n", a(&s)); return 0; }
