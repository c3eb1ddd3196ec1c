// SPDX-License-Identifier: Apache-2.0
int main(void) { volatile int zero = 0; return 5 / zero; }
