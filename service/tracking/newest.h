/*
 * The newest rows of those that are offered, at most so many: a heap with the oldest on top. One thread
 * at a time; the owner frees it with tracking_newest_free().
 */
#ifndef GATEPOST_TRACKING_NEWEST_H
#define GATEPOST_TRACKING_NEWEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tracking_newest {
    int64_t *rows;
    size_t count;
    size_t capacity;
    size_t maximum;
};

void tracking_newest_init(struct tracking_newest *newest, size_t maximum);
void tracking_newest_free(struct tracking_newest *newest);
void tracking_newest_offer(struct tracking_newest *newest, int64_t row);

/* True when no row that is older than `row`, nor `row` itself, could get in any more. */
bool tracking_newest_is_closed_to(const struct tracking_newest *newest, int64_t row);

/* Newest first; then no more can be offered. */
void tracking_newest_sort(struct tracking_newest *newest);

#endif
