#include "policy/trust.h"

#include "base/memory.h"

#include <stdlib.h>

/* In ascending order, and none inside another: so only one can hold a given address, the last that does
 * not begin behind it. */
struct trust_list {
    size_t count;
    struct ip_range ranges[];
};

static int compare_addresses(const struct ip_address *a, const struct ip_address *b)
{
    if (a->is_v6 != b->is_v6)
        return a->is_v6 ? 1 : -1;
    return memcmp(a->bytes, b->bytes, a->is_v6 ? 16 : 4);
}

/* Of two ranges that begin together the larger one comes first. */
static int compare_ranges(const void *first, const void *second)
{
    const struct ip_range *a = first, *b = second;
    int order = compare_addresses(&a->address, &b->address);
    return order != 0 ? order : (a->prefix > b->prefix) - (a->prefix < b->prefix);
}

static void drop_nested(struct trust_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct ip_range *range = &list->ranges[i];
        if (kept == 0 || !ip_range_contains(&list->ranges[kept - 1], &range->address))
            list->ranges[kept++] = *range;
    }
    list->count = kept;
}

struct trust_list *trust_list_create(const char *const *ranges, size_t count)
{
    struct trust_list *list = memory_allocate(1, sizeof *list + count * sizeof list->ranges[0]);
    for (size_t i = 0; i < count; i++)
        if (ip_range_parse(view_of_text(ranges[i]), &list->ranges[list->count]))
            list->count++;
    qsort(list->ranges, list->count, sizeof list->ranges[0], compare_ranges);
    drop_nested(list);
    return list;
}

void trust_list_destroy(struct trust_list *list)
{
    memory_free(list);
}

bool trust_list_holds(const struct trust_list *list, const struct ip_address *client)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_addresses(&list->ranges[middle].address, client) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && ip_range_contains(&list->ranges[low - 1], client);
}
