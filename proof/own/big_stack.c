// SPDX-License-Identifier: Apache-2.0
// seconds: 120
// A stack that grows by 7 MiB, in one leap and in small ones.
#include <stdio.h>
static int leap(void) { volatile char big[6 << 20]; big[0] = 1; big[sizeof big - 1] = 2; return big[0] + big[sizeof big - 1]; }
static int small(int n) { volatile char page[4000]; page[0] = n; return n == 0 ? 0 : page[0] % 3 + small(n - 1); }
int main(void) { printf("%d %d\n", leap(), small(1500)); return 0; }
