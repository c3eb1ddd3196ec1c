// SPDX-License-Identifier: Apache-2.0
// libraries: -ldl
#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    for (int i = 0; i < 3; i++) {
        void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
        double (*cosine)(double) = (double (*)(double))dlsym(library, "cos");
        printf("%.6f %d\n", cosine(i), dlsym(library, "nothing") == NULL);
        dlclose(library);
    }
    printf("%d\n", dlopen("/nowhere.so", RTLD_LAZY) == NULL);
    return 0;
}
