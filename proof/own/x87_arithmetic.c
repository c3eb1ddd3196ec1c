// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -mfpmath=387 -mlong-double-80
// libraries: -lm
// said: x87
#include <math.h>
#include <stdio.h>
int main(void) { volatile long double a = 1, b = 3; printf("%.20Lg %.20Lg %.20Lg\n", a / b, sqrtl(b), expl(a)); volatile double x = 0.1, y = 0.2; printf("%a %.17g\n", x + y, x * y - 0.02); return 0; }
