// SPDX-License-Identifier: Apache-2.0
// Double free: both the error path and the end of the function free the buffer. Others are
// freed in between, so that the C library does not notice at once.
#include <stdio.h>
#include <stdlib.h>

static int parse(char *text, void *scratch) {
    if (text[0] != '{') {
        free(text);
        free(scratch);
        return -1;
    }
    return 0;
}

int main(void) {
    char *text = malloc(100);
    void *scratch = malloc(100);
    text[0] = '[';
    if (parse(text, scratch) < 0) puts("no object");
    free(text);  // BUG
    return 0;
}
