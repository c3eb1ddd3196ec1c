/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads measurements of weather stations and prints their means:
 *     weather FILE
 * A line is `station NAME`, `rename NUMBER NAME` or `sample NUMBER VALUE`.
 *
 * It has a bug. The program crashes far from it, in code that is right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STATIONS = 8, MAX_SAMPLES = 64 };

struct station {
    char name[16];
    double *samples;
    size_t count;
};

static struct station stations[MAX_STATIONS];
static size_t station_count;

static const char *copy_word(char *to, const char *from) {
    while (*from && *from != '\n') *to++ = *from++;
    *to = '\0';
    return from;
}

static void add_station(const char *text) {
    if (station_count == MAX_STATIONS) return;
    struct station *station = &stations[station_count++];
    station->samples = calloc(MAX_SAMPLES, sizeof *station->samples);
    copy_word(station->name, text);
}

static struct station *parse_number(const char *text, char **rest) {
    size_t number = strtoul(text, rest, 10);
    while (**rest == ' ') ++*rest;
    return number < station_count ? &stations[number] : NULL;
}

static void rename_station(const char *text) {
    char *name;
    struct station *station = parse_number(text, &name);
    if (station) copy_word(station->name, name);
}

static void add_sample(const char *text) {
    char *value;
    struct station *station = parse_number(text, &value);
    if (station && station->count < MAX_SAMPLES)
        station->samples[station->count++] = strtod(value, NULL);
}

static void parse_line(const char *line) {
    if (!strncmp(line, "station ", 8)) add_station(line + 8);
    if (!strncmp(line, "rename ", 7)) rename_station(line + 7);
    if (!strncmp(line, "sample ", 7)) add_sample(line + 7);
}

static double mean(const struct station *station) {
    double sum = 0;
    for (size_t i = 0; i < station->count; i++) sum += station->samples[i];
    return station->count ? sum / (double)station->count : 0;
}

static void report(void) {
    for (size_t i = 0; i < station_count; i++)
        printf("%-16s %6.2f\n", stations[i].name, mean(&stations[i]));
}

int main(int argc, char **argv) {
    char line[256];
    FILE *file = argc > 1 ? fopen(argv[1], "r") : stdin;
    if (!file) {
        perror(argv[1]);
        return 1;
    }
    while (fgets(line, sizeof line, file)) parse_line(line);
    report();
    return 0;
}
