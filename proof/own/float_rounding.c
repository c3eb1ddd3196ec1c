// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -frounding-math
// libraries: -lm
#include <fenv.h>
#include <math.h>
#include <stdio.h>
int main(void) { int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}; volatile double a = 1, b = 3, c = -0.1; volatile float f = 1, g = 7; for (int i = 0; i < 4; i++) { fesetround(modes[i]); printf("%a %a %a %a %a %ld %ld %a\n", a / b, a + c * b, sqrt(b), (double)(f / g), (double)(float)(a / b), lrint(2.5 + c), (long)nearbyint(-2.5), (double)(long)(1e15 / b)); printf("%d\n", fegetround() == modes[i]); } return 0; }
