#include "tracking/newest.h"

#include "base/memory.h"

#include <stdlib.h>

void tracking_newest_init(struct tracking_newest *newest, size_t maximum)
{
    *newest = (struct tracking_newest){.maximum = maximum};
}

void tracking_newest_free(struct tracking_newest *newest)
{
    memory_free(newest->rows);
}

static void swap(int64_t *a, int64_t *b)
{
    int64_t kept = *a;
    *a = *b;
    *b = kept;
}

static void grow(struct tracking_newest *newest)
{
    newest->capacity = newest->capacity == 0 ? 64 : 2 * newest->capacity;
    newest->rows = memory_resize(newest->rows, newest->capacity, sizeof *newest->rows);
}

static void sift_up(int64_t *rows, size_t at)
{
    for (; at > 0 && rows[at] < rows[(at - 1) / 2]; at = (at - 1) / 2)
        swap(&rows[at], &rows[(at - 1) / 2]);
}

static void sift_down(int64_t *rows, size_t count)
{
    for (size_t at = 0, child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && rows[child + 1] < rows[child])
            child++;
        if (rows[at] <= rows[child])
            return;
        swap(&rows[at], &rows[child]);
    }
}

void tracking_newest_offer(struct tracking_newest *newest, int64_t row)
{
    if (newest->count < newest->maximum) {
        if (newest->count == newest->capacity)
            grow(newest);
        newest->rows[newest->count] = row;
        sift_up(newest->rows, newest->count++);
    } else if (row > newest->rows[0]) {
        newest->rows[0] = row;
        sift_down(newest->rows, newest->count);
    }
}

bool tracking_newest_is_closed_to(const struct tracking_newest *newest, int64_t row)
{
    return newest->count == newest->maximum && row <= newest->rows[0];
}

static int compare(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a;
    int64_t second = *(const int64_t *)b;
    return (first < second) - (first > second);
}

void tracking_newest_sort(struct tracking_newest *newest)
{
    if (newest->count > 0)
        qsort(newest->rows, newest->count, sizeof *newest->rows, compare);
}
