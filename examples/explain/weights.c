/* SPDX-License-Identifier: Apache-2.0
   Reads an index from a file and trusts it. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static int32_t weights[64];

static int32_t weight_of(const uint8_t *record)
{
    int32_t index = record[1] | record[2] << 8 | record[3] << 16 | record[4] << 24;
    return weights[index];
}

int main(int argc, char **argv)
{
    uint8_t data[64];
    int file = open(argc > 1 ? argv[1] : "in.bin", O_RDONLY);
    if (read(file, data, sizeof data) < 15)
        return 1;
    printf("%d\n", weight_of(data + 10));
    return 0;
}
