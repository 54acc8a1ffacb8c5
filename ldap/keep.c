#include "ldap/directory_private.h"

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* *any: whether the file has a directory that is not among the names. */
static bool look_for_others(struct directory *directory, const char *const *names, size_t count,
                            bool *any, struct error *error)
{
    sqlite3_stmt *next = NULL;
    int step;
    *any = false;
    if (!database_prepare(directory->database, "SELECT name FROM ldap_source", &next, error))
        return false;
    while ((step = sqlite3_step(next)) == SQLITE_ROW && !*any)
        *any = !is_among((const char *)sqlite3_column_text(next, 0), names, count);
    bool good =
        step == SQLITE_ROW || step == SQLITE_DONE || database_fail(directory->database, error);
    sqlite3_finalize(next);
    return good;
}

static void detach_others(struct directory *directory, const char *const *names, size_t count)
{
    for (unsigned i = 1; i < ADDRESS_SOURCES; i++) {
        unsigned bit = 1u << i;
        if ((atomic_load(&directory->attached) & bit) == 0 ||
            is_among(directory->names[i], names, count))
            continue;
        atomic_fetch_and(&directory->attached, ~bit);
        atomic_fetch_and(&directory->filled, ~bit);
    }
}

/* All that the file has now, in place of what is in memory. */
static bool load_again(struct directory *directory, struct error *error)
{
    bool ever_filled;
    struct address_table *table = local_list_load(directory->list, &ever_filled, error);
    if (table == NULL)
        return false;
    if (store_load(directory->store, table, error)) {
        replica_replace(directory->replica, table);
        return true;
    }
    address_table_destroy(table);
    return false;
}

bool directory_keep_sources(struct directory *directory, const char *const *names, size_t count,
                            struct error *error)
{
    bool any;
    lock_acquire(directory->lock);
    detach_others(directory, names, count);
    bool good = look_for_others(directory, names, count, &any, error);
    if (good && any)
        good = store_keep_sources(directory->store, names, count, error) &&
               load_again(directory, error);
    lock_release(directory->lock);
    return good;
}
