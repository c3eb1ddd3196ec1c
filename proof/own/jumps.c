// SPDX-License-Identifier: Apache-2.0
// quick: yes
// setjmp through many frames, computed goto, switch tables.
#include <setjmp.h>
#include <stdio.h>
static jmp_buf places[4];
static void down(int depth) { if (depth == 0) longjmp(places[3], 7); down(depth - 1); }
int main(void) {
    volatile int seen = 0;
    int value = setjmp(places[3]);
    seen++;
    if (value == 0) down(200);
    static void *labels[] = {&&one, &&two, &&three};
    int at = 0, sum = 0;
    goto *labels[0];
one: sum += 1; at = 1 + sum % 2; if (sum > 500) goto done; goto *labels[at];
two: sum += 20; at = sum % 3; goto *labels[at];
three: sum += 3; goto *labels[0];
done:
    for (int i = 0; i < 40; i++) switch (i % 9) { case 0: sum += 3; break; case 1: sum *= 3; break;
        case 2: sum -= 7; break; case 3: sum ^= 11; break; case 4: sum <<= 1; break;
        case 5: sum >>= 2; break; case 7: sum = -sum; }
    printf("%d %d %d\n", seen, value, sum);
    return 0;
}
