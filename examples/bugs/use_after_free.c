// SPDX-License-Identifier: Apache-2.0
// Use after free: the list goes on with a node that was just freed.
#include <stdio.h>
#include <stdlib.h>

struct node {
    int value;
    struct node *next;
};

static struct node *push(struct node *head, int value) {
    struct node *node = malloc(sizeof *node);
    node->value = value;
    node->next = head;
    return node;
}

static void clear(struct node *head) {
    for (struct node *node = head; node; node = node->next) {  // BUG
        free(node);
    }
}

int main(void) {
    struct node *head = NULL;
    for (int i = 0; i < 1; i++) head = push(head, i);
    printf("%d\n", head->value);
    clear(head);
    return 0;
}
