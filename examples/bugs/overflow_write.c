// SPDX-License-Identifier: Apache-2.0
// Heap overflow: the loop writes one element too many.
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    int *squares = malloc(10 * sizeof *squares);
    for (int i = 0; i <= 10; i++) squares[i] = i * i;  // BUG
    printf("%d\n", squares[9]);
    free(squares);
    return 0;
}
