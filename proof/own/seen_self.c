// SPDX-License-Identifier: Apache-2.0
// What a program sees of itself below /proc.
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
int main(void) { char l[512]; FILE *f = fopen("/proc/self/maps", "r"); int own = 0, heap = 0, stack = 0, odd = 0, vdso = 0; while (fgets(l, 512, f)) { own += strstr(l, "/seen_self") != NULL; heap += strstr(l, "[heap]") != NULL; stack += strstr(l, "[stack]") != NULL; vdso += strstr(l, "[vdso]") != NULL; odd += strstr(l, "valgrind") || strstr(l, "reven") && !strstr(l, "/seen_self"); } printf("%d %d %d %d\n", own, stack, odd, vdso); f = fopen("/proc/self/status", "r"); while (fgets(l, 512, f)) if (!strncmp(l, "Name:", 5) || !strncmp(l, "Threads:", 8) || !strncmp(l, "TracerPid:", 10) || !strncmp(l, "SigIgn:", 7) || !strncmp(l, "SigBlk:", 7) || !strncmp(l, "SigCgt:", 7)) fputs(l, stdout); f = fopen("/proc/self/limits", "r"); while (fgets(l, 512, f)) if (strstr(l, "open files") || strstr(l, "stack") || strstr(l, "processes")) fputs(l, stdout); f = fopen("/proc/self/auxv", "rb"); long a[2]; int n = 0; while (fread(a, 16, 1, f) == 1) n += a[0] == AT_PAGESZ || a[0] == AT_EXECFN || a[0] == AT_UID; printf("%d %lu %s\n", n, getauxval(AT_PAGESZ), strrchr((char *)getauxval(AT_EXECFN), '/')); return 0; }
