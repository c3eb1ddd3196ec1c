// SPDX-License-Identifier: Apache-2.0
// quick: yes
// Deep and mutual recursion, the Ackermann function.
#include <stdio.h>
static int odd(int n);
static int even(int n) { return n == 0 ? 1 : odd(n - 1); }
static int odd(int n) { return n == 0 ? 0 : even(n - 1); }
static int ackermann(int m, int n) {
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
int main(void) { printf("%d %d\n", even(10001), ackermann(2, 9)); return 0; }
