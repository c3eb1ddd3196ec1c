// SPDX-License-Identifier: Apache-2.0
// Uninitialized: if nothing is found, the result is what the stack held.
#include <stdio.h>

static int find(const int *values, int count, int wanted) {
    int found;
    for (int i = 0; i < count; i++)
        if (values[i] == wanted) found = i;
    return found;
}

int main(void) {
    const int values[] = {3, 1, 4, 1, 5};
    int place = find(values, 5, 9);
    if (place > 2)  // BUG
        puts("late");
    else
        puts("early");
    return 0;
}
