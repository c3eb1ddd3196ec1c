# SPDX-License-Identifier: Apache-2.0
"""Tiny programs that the tests compile, and what binutils says about them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

C_SOURCE = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int shared_total = 3;
static int counter;

__attribute__((noinline)) int add(int amount)
{
    counter += amount;
    return counter;
}

static __attribute__((noinline)) int helper(int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += add(i);
    return sum;
}

int main(int argc, char **argv)
{
    char *text = malloc(100);
    strcpy(text, argv[0]);
    printf("%s %d %zu\\n", text, helper(argc), strlen(text));
    free(text);
    return shared_total - 3;
}
"""

CPP_SOURCE = """
#include <cstdio>
#include <string>
#include <vector>

namespace shapes {
struct Square {
    int side;
    int area() const;
    Square operator+(const Square &other) const;
};
int Square::area() const { return side * side; }
Square Square::operator+(const Square &other) const { return {side + other.side}; }
int scale(int value) { return value * 2; }
double scale(double value) { return value * 2; }
std::string scale(const std::string &value) { return value + value; }
}  // namespace shapes

template <typename T>
__attribute__((noinline)) T largest(const std::vector<T> &values)
{
    T best = values[0];
    for (const T &value : values)
        if (best < value)
            best = value;
    return best;
}

int main()
{
    shapes::Square square = shapes::Square{2} + shapes::Square{3};
    std::vector<int> numbers{1, square.area(), 3};
    std::vector<double> reals{shapes::scale(1.5), 2.0};
    std::printf("%d %f %s\\n", largest(numbers), largest(reals), shapes::scale("x").c_str());
    return shapes::scale(0);
}
"""

BUILDS = {
    "pie": ("-pie", "-fPIE"),
    "fixed address": ("-no-pie",),
    "static": ("-static",),
    "static pie": ("-static-pie", "-fPIE"),
    "bound at start": ("-Wl,-z,now",),
    "control-flow protection": ("-fcf-protection", "-Wl,-z,ibtplt", "-Wl,-z,lazy"),
    "no plt": ("-fno-plt",),
    "stripped": ("-s",),
    "no debug information": ("-g0",),
}


def output_of(*command: str | Path, stdin: str = "") -> str:
    done = subprocess.run(
        [str(word) for word in command], input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout


def nm(program: Path, *options: str) -> list[tuple[int, str]]:
    """Address and name of every symbol that lies in the program, less absolute ones."""
    found = []
    for line in output_of("nm", "--without-symbol-versions", *options, program).splitlines():
        match = re.match(r"([0-9a-f]+) (\S) (.+)", line)
        if match and match[2] not in "aAUN":
            found.append((int(match[1], 16), match[3]))
    return found


def plt_of_objdump(program: Path) -> dict[int, str]:
    """Address → `name@plt` of the stubs that objdump names."""
    listing = output_of("objdump", "-d", program)
    return {
        int(address, 16): name
        for address, name in re.findall(r"^([0-9a-f]+) <(\S+@plt)>:$", listing, re.MULTILINE)
    }
