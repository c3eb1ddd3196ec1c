/* SPDX-License-Identifier: Apache-2.0
   Writes each half of each byte of a file as a digit, behind a heading. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char digits[] = "0123456789abcdef";

int main(void)
{
    unsigned char data[256];
    char line[600] = "HEX:";
    int from = open("in.txt", O_RDONLY), to = open("out.txt", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t count = read(from, data, sizeof data);
    size_t size = strlen(line);
    for (ssize_t i = 0; i < count; i++) {
        line[size++] = digits[data[i] >> 4];
        line[size++] = digits[data[i] & 15];
    }
    write(to, line, size);
    return write(1, "done\n", 5) != 5;
}
