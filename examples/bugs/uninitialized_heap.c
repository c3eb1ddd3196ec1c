// SPDX-License-Identifier: Apache-2.0
// Uninitialized: one field of the structure is never set, and decides what is printed.
#include <stdio.h>
#include <stdlib.h>

struct options {
    int width;
    int verbose;
};

static struct options *defaults(void) {
    struct options *options = malloc(sizeof *options);
    options->width = 80;
    return options;
}

int main(void) {
    struct options *options = defaults();
    if (options->verbose) puts("verbose");  // BUG
    printf("%d\n", options->width);
    free(options);
    return 0;
}
