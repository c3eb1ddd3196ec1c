// SPDX-License-Identifier: Apache-2.0
// Heap overflow: no room was left for the terminating zero.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "sixteen letters!";
    char *copy = malloc(strlen(name));
    strcpy(copy, name);  // BUG
    printf("%s\n", copy);
    free(copy);
    return 0;
}
