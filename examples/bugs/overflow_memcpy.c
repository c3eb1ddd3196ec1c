// SPDX-License-Identifier: Apache-2.0
// Heap overflow: a message says itself how long it is, and that is believed. What lies behind
// it in memory is sent back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct message {
    unsigned char size;
    char text[15];
};

int main(void) {
    struct message *asked = malloc(sizeof *asked);
    char *secret = malloc(64);
    memset(secret, 's', 63);
    secret[63] = 0;
    memcpy(asked, "\x40hello", 7);
    char *answer = malloc(asked->size + 1);
    memcpy(answer, asked->text, asked->size);  // BUG
    answer[asked->size] = 0;
    printf("%s\n", answer + 32);
    free(answer);
    free(secret);
    free(asked);
    return 0;
}
