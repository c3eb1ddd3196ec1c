/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts a ticket of which the kind, byte 2, is at most 8. */
#include <stdio.h>

static int check(const unsigned char *data, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 4; i < size; i++)
        sum = sum * 31 + data[i];
    if (data[2] > 8)
        return -1;
    return (int)(sum % 97);
}

int main(int count, char **arguments)
{
    unsigned char data[256];
    FILE *file = count > 1 ? fopen(arguments[1], "rb") : NULL;
    if (!file)
        return 2;
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    if (check(data, size) < 0) {
        fprintf(stderr, "refused\n");
        return 1;
    }
    printf("accepted\n");
    return 0;
}
