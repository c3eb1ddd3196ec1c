// SPDX-License-Identifier: Apache-2.0
// Bad free: the pointer was moved on while reading.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *line = malloc(64);
    strcpy(line, "   key=value");
    while (*line == ' ') line++;
    puts(line);
    free(line);  // BUG
    return 0;
}
