// SPDX-License-Identifier: Apache-2.0
// Uninitialized: a structure with a member that was never set is copied, and the copy is
// looked at, far from where it was made.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    long id;
    long priority;
    char name[16];
};

static int is_urgent(const struct job *job) {
    return job->priority + 1 > 10;
}

int main(void) {
    struct job *made = malloc(sizeof *made);
    made->id = 7;
    strcpy(made->name, "print");
    struct job queued;
    memcpy(&queued, made, sizeof queued);
    free(made);
    if (is_urgent(&queued)) puts("urgent");  // BUG
    puts(queued.name);
    return 0;
}
