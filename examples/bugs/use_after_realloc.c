// SPDX-License-Identifier: Apache-2.0
// Use after free: a pointer into a buffer outlives the buffer's move.
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    int *values = malloc(4 * sizeof *values);
    int *largest = &values[0];
    int *others = malloc(16);
    for (int i = 0; i < 4; i++) values[i] = i;
    values = realloc(values, 4000 * sizeof *values);
    values[4] = *largest + 1;  // BUG
    printf("%d\n", values[4]);
    free(others);
    free(values);
    return 0;
}
