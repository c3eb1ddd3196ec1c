// SPDX-License-Identifier: Apache-2.0
// quick: yes
#include <stdarg.h>
#include <stdio.h>
static double sum(int count, ...) {
    va_list list, again;
    va_start(list, count);
    va_copy(again, list);
    double total = 0;
    for (int i = 0; i < count; i++) total += i & 1 ? va_arg(list, double) : va_arg(list, int);
    total *= va_arg(again, int);
    va_end(again);
    va_end(list);
    return total;
}
int main(void) { printf("%g\n", sum(9, 3, 1.5, 4, 2.5, 5, 3.5, 6, 4.5, 7)); return 0; }
