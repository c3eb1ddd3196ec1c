// SPDX-License-Identifier: Apache-2.0
// flags: -O2 -static
// quick: yes
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
int main(void) { char *l[] = {"pear", "apple", "fig", "kiwi"}; int (*c)(const void *, const void *) = (int (*)(const void *, const void *))strcmp; int n[50]; for (int i = 0; i < 50; i++) n[i] = i * 7919 % 101; qsort(n, 50, 4, (int (*)(const void *, const void *))memcmp); struct tm *t = gmtime(&(time_t){1000000000}); printf("%d %s %d\n", n[3], strstr("haystack", "st"), t->tm_year); return 0; }
