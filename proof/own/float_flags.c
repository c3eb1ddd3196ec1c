// SPDX-License-Identifier: Apache-2.0
// libraries: -lm
#include <fenv.h>
#include <math.h>
#include <stdio.h>
static void show(const char *n) { printf("%s %d%d%d%d%d\n", n, !!fetestexcept(FE_INVALID), !!fetestexcept(FE_DIVBYZERO), !!fetestexcept(FE_OVERFLOW), !!fetestexcept(FE_UNDERFLOW), !!fetestexcept(FE_INEXACT)); feclearexcept(FE_ALL_EXCEPT); }
int main(void) { volatile double z = 0, o = 1, h = 1e308, t = 1e-308, r; feclearexcept(FE_ALL_EXCEPT); r = z / z; show("invalid"); r = o / z; show("division"); r = h * 10; show("overflow"); r = t / 3; show("underflow"); r = o / 3; show("inexact"); r = o + o; show("none"); r = sqrt(-o); show("root"); r = fmin(z, NAN); show("min"); feraiseexcept(FE_OVERFLOW); show("raised"); return 0; }
