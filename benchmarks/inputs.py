# SPDX-License-Identifier: Apache-2.0
"""What the benchmark programs work on, made from a seed: the same everywhere."""

from __future__ import annotations

from random import Random

_LETTERS = "etaoinshrdlucmfwypvbgk_xjq"


def text(size: int) -> bytes:
    """Text of so many bytes that compresses about as source code does."""
    random = Random(1)
    words = [
        "".join(_LETTERS[int(len(_LETTERS) * random.random() ** 2)] for _ in range(n))
        for n in (1 + int(11 * random.random()) for _ in range(6000))
    ]
    parts: list[str] = []
    length = 0
    while length < size:
        if parts and random.random() < 0.22:
            start = int(len(parts) * random.random())
            phrase = parts[start : start + 2 + int(9 * random.random())]
        else:
            phrase = [words[int(len(words) * random.random() ** 3)]]
        if random.random() < 0.12:
            phrase = [*phrase, "\n" + " " * (4 * int(4 * random.random()))]
        parts += phrase
        length += sum(len(part) + 1 for part in phrase)
    return " ".join(parts).encode()[:size]


def sql(rows: int) -> str:
    """A script for the sqlite3 tool: fill two tables, index, join, group, sort."""
    return f"""
create table item(id integer primary key, kind integer, name text, price real);
create table kind(id integer primary key, title text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
  insert into item
  select i, i * 7919 % 97, printf('name-%06d', i * 7907 % {rows}), i * 0.37 from n;
with recursive n(i) as (select 0 union all select i + 1 from n where i < 96)
  insert into kind select i, 'kind ' || i from n;
create index by_name on item(name);
select title, count(*), sum(price) from item join kind on kind.id = item.kind
  group by title order by 3 desc limit 5;
select count(*) from item a join item b on b.name = a.name where a.id % 3 = 0;
select name from item where name like '%77%' order by price limit 5;
"""


def c_source(functions: int) -> str:
    """A C file with so many functions of loops, arithmetic and memory."""
    parts = ["typedef struct { int key; double weight; unsigned char tag[16]; } entry;"]
    random = Random(2)
    for n in range(functions):
        a, b, c = (1 + int(97 * random.random()) for _ in range(3))
        parts.append(f"""
static int helper_{n}(const entry *e, int count) {{
    int best = {a};
    for (int i = 0; i < count; i++) {{
        if (e[i].key % {b} == {c % b} && e[i].weight > best * 0.5) best = e[i].key;
        else if (e[i].tag[i & 15] > {c}) best += e[i].tag[(i + {a}) & 15];
    }}
    return best;
}}
int function_{n}(entry *e, int count, int *out) {{
    int sum = 0;
    for (int i = 0; i < count; i++) {{
        e[i].key = (e[i].key << {1 + a % 7}) ^ (i * {b});
        switch (e[i].key & 3) {{
        case 0: sum += helper_{n}(e, i); break;
        case 1: out[i % {c + 1}] = sum; break;
        case 2: e[i].weight *= {c}.25; break;
        default: sum -= e[i].tag[i % 16];
        }}
    }}
    return sum;
}}""")
    return "\n".join(parts)


THREADS = """
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, CHUNK = 4096 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long chunks, next_chunk;
static uint64_t table[1024];

static void *work(void *unused) {
    (void)unused;
    unsigned char buffer[CHUNK];
    for (;;) {
        pthread_mutex_lock(&lock);
        long chunk = next_chunk < chunks ? next_chunk++ : -1;
        pthread_mutex_unlock(&lock);
        if (chunk < 0) return NULL;
        memset(buffer, (int)chunk, sizeof buffer);
        uint64_t hash = 14695981039346656037u ^ (uint64_t)chunk;
        for (int i = 0; i < CHUNK; i++) {
            hash = (hash ^ buffer[i]) * 1099511628211u;
            buffer[(i * 7 + 1) % CHUNK] += (unsigned char)(hash >> 32);
        }
        pthread_mutex_lock(&lock);
        table[hash % 1024] += hash;
        pthread_mutex_unlock(&lock);
    }
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    chunks = argc > 1 ? atol(argv[1]) : 1;
    for (int t = 0; t < THREADS; t++)
        if (pthread_create(&threads[t], NULL, work, NULL) != 0) return 1;
    for (int t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
    uint64_t sum = 0;
    for (int i = 0; i < 1024; i++) sum += table[i];
    printf("%llx\\n", (unsigned long long)sum);
    return 0;
}
"""
