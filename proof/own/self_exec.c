// SPDX-License-Identifier: Apache-2.0
// Executes itself, by each of the ways there are.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char *first[] = {"first", "1", NULL}, *second[] = {"second", "2", "3", NULL};
    printf("%d %s\n", argc, argc == 1 ? "-" : argv[0]);
    fflush(stdout);
    if (argc == 1) execv("/proc/self/exe", first);
    if (argc == 2) { int fd = open("/proc/self/exe", O_RDONLY); fexecve(fd, second, environ); }
    return argc == 3 ? 0 : 1;
}
