// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
int main(void) { raise(SIGUSR2); return 0; }
