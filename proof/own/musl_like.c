// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -no-pie -z norelro
// quick: yes
#include <locale.h>
#include <stdio.h>
#include <wchar.h>
#include <iconv.h>
#include <regex.h>
#include <string.h>
int main(void) { setlocale(LC_ALL, "C.UTF-8"); wchar_t w[9]; printf("%zu %d\n", mbstowcs(w, "h\303\251llo", 9), wcwidth(w[1])); regex_t r; regcomp(&r, "a(b+)c", REG_EXTENDED); regmatch_t m[2]; printf("%d %d %d\n", regexec(&r, "xxabbbc", 2, m, 0), m[1].rm_so, m[1].rm_eo); char b[99]; snprintf(b, 99, "%10.3e|%-5s|%+d|%a|%'d", 12345.678, "ab", 5, 0.1, 1234567); puts(b); int a, n; float f; n = sscanf("12 3.5x", "%d %f", &a, &f); printf("%d %d %g\n", n, a, f); return 0; }
