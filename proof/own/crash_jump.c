// SPDX-License-Identifier: Apache-2.0
int main(void) { ((void (*)(void))0x123456)(); return 0; }
