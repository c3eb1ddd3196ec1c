// SPDX-License-Identifier: Apache-2.0
// flags: -O0 -g
// Nested functions: code on an executable stack.
#include <stdio.h>
static int apply(int (*function)(int), int value) { return function(value); }
int main(void) {
    int sum = 0;
    for (int factor = 1; factor < 30; factor++) {
        int times(int value) { sum += factor; return value * factor; }
        sum += apply(times, factor + 1);
    }
    printf("%d\n", sum);
    return 0;
}
