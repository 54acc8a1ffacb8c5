#include "policy/domain.h"

#include "base/hash.h"
#include "base/memory.h"
#include "ldap/directory.h"

struct domain_table {
    const struct settings_accepted_domain *domains;
    struct hash_table *index; /* folded domain -> one of `domains` */
};

struct domain_table *domain_table_create(const struct settings_accepted_domain *domains,
                                         size_t count)
{
    struct domain_table *table = memory_allocate(1, sizeof *table);
    table->domains = domains;
    table->index = hash_table_create();
    for (size_t i = 0; i < count; i++) {
        struct directory_key key;
        if (directory_key_of_domain(view_of_text(domains[i].domain), &key, NULL))
            hash_table_set(table->index, view_of(key.text, key.length), (void *)&domains[i]);
    }
    return table;
}

void domain_table_destroy(struct domain_table *table)
{
    hash_table_destroy(table->index, NULL);
    memory_free(table);
}

const struct settings_accepted_domain *domain_table_find(const struct domain_table *table,
                                                         struct view folded)
{
    return hash_table_get(table->index, folded);
}
