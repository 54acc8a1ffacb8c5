#include "policy/blocked.h"

#include "base/hash.h"
#include "base/memory.h"

/* Both give the pattern as it was entered. */
struct blocked_list {
    struct hash_table *addresses; /* by the key of the address */
    struct hash_table *domains;   /* by the folded domain */
};

static void add(struct blocked_list *list, const char *text)
{
    struct view pattern = view_of_text(text);
    struct view domain = view_from(pattern, view_find_last(pattern, '@') + 1);
    struct view local_part = view_first(pattern, view_find_last(pattern, '@'));
    bool is_whole_domain = view_is_empty(local_part) || view_equal(local_part, VIEW("*"));
    struct directory_key key;

    if (is_whole_domain && directory_key_of_domain(domain, &key, NULL))
        hash_table_set(list->domains, view_of(key.text, key.length), (void *)text);
    else if (!is_whole_domain && directory_key_make(pattern, &key, NULL))
        hash_table_set(list->addresses, view_of(key.text, key.length), (void *)text);
}

struct blocked_list *blocked_list_create(const char *const *patterns, size_t count)
{
    struct blocked_list *list = memory_allocate(1, sizeof *list);
    list->addresses = hash_table_create();
    list->domains = hash_table_create();
    for (size_t i = 0; i < count; i++)
        add(list, patterns[i]);
    return list;
}

void blocked_list_destroy(struct blocked_list *list)
{
    hash_table_destroy(list->addresses, NULL);
    hash_table_destroy(list->domains, NULL);
    memory_free(list);
}

const char *blocked_list_match(const struct blocked_list *list, const struct directory_key *address)
{
    struct view whole = view_of(address->text, address->length);
    const char *pattern = hash_table_get(list->addresses, whole);
    if (pattern == NULL)
        pattern = hash_table_get(list->domains, view_from(whole, address->local_length + 1));
    return pattern;
}
