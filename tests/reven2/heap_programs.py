# SPDX-License-Identifier: Apache-2.0
"""Programs that say themselves what they do with the heap."""

from __future__ import annotations

RANDOM_BLOCKS = r"""
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// Writes down each block: address, size and how it came and went.
static unsigned state = 12345;
static unsigned draw(unsigned below) {
    state = state * 1103515245 + 12345;
    return (state >> 16) % below;
}
struct { char *at; size_t size; const char *made; } blocks[20];
static void made(int i, void *at, size_t size, const char *how) {
    blocks[i].at = at; blocks[i].size = size; blocks[i].made = how;
}
static void gone(int i, const char *how) {
    if (blocks[i].at) printf("%p %zu %s %s\n", blocks[i].at, blocks[i].size, blocks[i].made, how);
    blocks[i].at = NULL;
}
int main(int count, char **words) {
    if (count < 2 || !freopen(words[1], "w", stdout)) return 2;
    for (int step = 0; step < STEPS; step++) {
        int i = draw(20);
        size_t size = draw(8) ? draw(200) : draw(200000);
        if (blocks[i].at && draw(3) == 0) {
            char *old = blocks[i].at;
            char *new = realloc(old, size + 1);
            gone(i, "realloc");
            made(i, new, size + 1, "realloc");
            continue;
        }
        if (blocks[i].at) { free(blocks[i].at); gone(i, "free"); }
        void *at = NULL;
        switch (draw(6)) {
            case 0: made(i, malloc(size), size, "malloc"); break;
            case 1: made(i, calloc(3, size), 3 * size, "calloc"); break;
            case 2: made(i, memalign(64, size), size, "memalign"); break;
            case 3:
                if (posix_memalign(&at, 32, size)) abort();
                made(i, at, size, "posix_memalign");
                break;
            case 4: made(i, strdup("some text"), 10, "malloc"); break;
            case 5: at = reallocarray(NULL, 4, size); made(i, at, 4 * size, "reallocarray"); break;
        }
    }
    for (int i = 0; i < 20; i++) gone(i, "never");
    return 0;
}
"""

RANDOM_ACCESSES = r"""
#include <stdio.h>
#include <stdlib.h>
// Writes down each access that is wrong: what, address, size, and the block's address.
static unsigned state = 99;
static unsigned draw(unsigned below) {
    state = state * 1103515245 + 12345;
    return (state >> 16) % below;
}
struct { volatile char *at; size_t size; int dead; } blocks[30];
void *volatile kept[30];
static void said(const char *what, volatile char *at, int size, int i) {
    printf("%s %p %d %p\n", what, (void *)at, size, (void *)blocks[i].at);
}
int main(int count, char **words) {
    if (count < 2 || !freopen(words[1], "w", stdout)) return 2;
    for (int i = 0; i < 30; i++) {
        blocks[i].size = 1 + draw(100);
        blocks[i].at = malloc(blocks[i].size);
        for (size_t k = 0; k < blocks[i].size; k++) blocks[i].at[k] = k;
        kept[i] = malloc(64);  // keeps the neighbours apart
    }
    for (int step = 0; step < 400; step++) {
        int i = draw(30);
        size_t size = blocks[i].size;
        volatile char *at = blocks[i].at + draw(size);
        switch (draw(8)) {
            case 0:
                if (blocks[i].dead || draw(4)) break;
                free((void *)blocks[i].at);
                blocks[i].dead = 1;
                break;
            case 1:
                if (blocks[i].dead) break;
                at = blocks[i].at + size + draw(3);
                said("overflow", at, 1, i);
                (void)*at;
                break;
            case 2:
                if (blocks[i].dead) break;
                at = blocks[i].at + size - 1;
                said("overflow", at, 4, i);
                (void)*(volatile int *)at;
                break;
            case 3:
                if (blocks[i].dead) break;
                at = blocks[i].at - 1;
                said("overflow", at, 1, i);
                (void)*at;
                break;
            default:
                if (blocks[i].dead) said("use-after-free", at, 1, i);
                (void)*at;
        }
    }
    return 0;
}
"""
