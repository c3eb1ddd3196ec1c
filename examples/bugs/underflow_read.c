// SPDX-License-Identifier: Apache-2.0
// Heap underflow: trailing blanks are cut off, of an empty line too.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void trim(char *line) {
    char *end = line + strlen(line);
    while (end[-1] == ' ') *--end = 0;  // BUG
}

int main(void) {
    char *line = malloc(32);
    strcpy(line, "   ");
    line[0] = 0;
    trim(line);
    printf("[%s]\n", line);
    free(line);
    return 0;
}
