# SPDX-License-Identifier: Apache-2.0
"""Programs whose calls are known: values of every kind, in both calling conventions."""

from __future__ import annotations

import random
from typing import Any

SCALARS = [
    ("char", 1), ("unsigned char", 1), ("short", 2), ("int", 4), ("unsigned", 4), ("long long", 8),
    ("unsigned long long", 8), ("float", 4), ("double", 8),
]  # fmt: skip

KNOWN = r"""
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct pair { int a; float b; };
struct mixed { long a; double b; };
struct large { long a[5]; };
struct floats { float x, y, z; };
__attribute__((noipa)) double everything(int a, double b, struct pair s, struct mixed t,
    struct large g, char c, struct floats f, long double ld, float e) {
    return a + b + s.a + t.b + g.a[4] + c + f.z + (double)ld + e;
}
__attribute__((noipa)) struct large make_large(int n) {
    struct large made = {{n, n, n, n, n}}; return made;
}
__attribute__((noipa)) struct mixed make_mixed(int n) {
    struct mixed made = {n, n + .5}; return made;
}
__attribute__((noipa)) struct floats make_floats(float n) {
    struct floats made = {n, n + 1, n + 2}; return made;
}
__attribute__((noipa)) long double twice(long double x) { return x * 2; }
__attribute__((noipa)) _Bool is_yes(const char *what, unsigned char *raw) { return *what == 'y'; }
__attribute__((noipa)) void leave(int status) { exit(status); }
int main(int argc, char **argv) {
    struct pair s = {1, 2}; struct mixed t = {3, 4}; struct floats f = {5, 6, 7};
    double d = everything(argc, 2.5, s, t, make_large(9), 'c', f, 1.25L, 8.5f);
    d += make_mixed(3).b + make_floats(1).z + (double)twice(3);
    d += is_yes("yes", (unsigned char *)"raw");
    char *text = malloc(100); strcpy(text, "copied"); text = realloc(text, 200);
    volatile size_t length = strlen(text); d += pow(argc + 1, 3) + (double)length;
    printf("%d %s %.1f\n", 5, "str", 2.5); free(text);
    leave(d > 1e9);
}
"""


def random_program(seed: int, count: int) -> tuple[str, list[dict[str, Any]]]:
    """Functions with random parameters and return types, each called once, in both calling
    conventions; and what each was given and returned."""
    made = random.Random(seed)
    text, calls, known = "", "", []
    for number in range(count):
        structures: list[str] = []
        convention = "ms_abi" if number % 2 else "sysv_abi"
        parameters = [
            value_of(made, f"s{number}_{n}", structures) for n in range(made.randint(0, 9))
        ]
        returns = value_of(made, f"r{number}", structures)
        words = ", ".join(f"{type_} p{n}" for n, (type_, _, _) in enumerate(parameters)) or "void"
        prototype = f"{returns[0]} f{number}({words});"
        text += "".join(structures)
        text += f"__attribute__(({convention}, noipa)) {prototype[:-1]} "
        text += f"{{ {returns[0]} made = {returns[1]}; return made; }}\n"
        calls += f"    f{number}({', '.join(f'({t}){v}' for t, v, _ in parameters)});\n"
        known.append(
            {
                "name": f"f{number}",
                "convention": "Ms64" if number % 2 else "Sysv64",
                "source": "".join(structures) + prototype,
                "args": [value for _, _, value in parameters],
                "ret": returns[2],
            }
        )
    return f"{text}int main(void) {{\n{calls}    return 0;\n}}\n", known


def value_of(made: random.Random, name: str, structures: list[str]) -> tuple[str, str, Any]:
    """A type, a value of it in C, and in Python (of a structure, by its members)."""
    if made.random() < 0.4:
        members = [scalar(made) for _ in range(made.randint(1, 5))]
        fields = " ".join(f"{type_} m{n};" for n, (type_, _, _) in enumerate(members))
        structures.append(f"struct {name} {{ {fields} }};\n")
        initial = ", ".join(value for _, value, _ in members)
        expected = {f"m{n}": value for n, (_, _, value) in enumerate(members)}
        return f"struct {name}", f"{{{initial}}}", expected
    return scalar(made)


def scalar(made: random.Random) -> tuple[str, str, Any]:
    type_, size = made.choice(SCALARS)
    if type_ in ("float", "double"):
        value = made.randint(-1000, 1000) / 4
        return type_, repr(value), value
    number = made.randint(0, (1 << 8 * size - 1) - 1)
    return type_, f"{number}", number
