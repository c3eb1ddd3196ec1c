// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdlib.h>
int main(int argc, char **argv) { (void)argv; assert(argc == 5 && "five words"); return 0; }
