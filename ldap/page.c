#include "ldap/address.h"
#include "ldap/directory_private.h"
#include "ldap/fold.h"

/* The local list first where both have an address: it counts before the directories. */
static const char page_sql[] =
    "SELECT key, address, display_name, 0, '' FROM local_recipient"
    "  WHERE key > ?1 AND (?2 = '' OR instr(key, ?2) > 0) "
    "UNION ALL "
    "SELECT a.key, '', o.display_name, a.source, o.addresses"
    "  FROM ldap_address AS a CROSS JOIN ldap_object AS o ON o.object = a.object"
    "  WHERE a.key > ?1 AND (?2 = '' OR instr(a.key, ?2) > 0) "
    "ORDER BY 1, 4";

enum { KEY, ADDRESS, DISPLAY_NAME, SOURCE, LINES };

/* The key of the text when it is an address, otherwise just the text folded: it may be a part of one.
 * False when no key can hold it. */
static bool fold_for_list(struct view text, struct directory_key *key)
{
    return directory_key_make(text, key, NULL) ||
           fold_text(text, key->text, sizeof key->text, &key->length);
}

static struct view key_view(const struct directory_key *key)
{
    return view_of(key->text, key->length);
}

/* As it is stored: the list has it, an object has it among its addresses. */
static struct view stored_address(sqlite3_stmt *page, struct view key_text)
{
    struct view lines = database_column_text(page, LINES), line;
    struct directory_key key;
    if (sqlite3_column_int(page, SOURCE) == 0)
        return database_column_text(page, ADDRESS);
    while (directory_key_make(key_text, &key, NULL) && view_split(&lines, '\n', &line))
        if (address_matches(line, &key))
            return line;
    return key_text;
}

static void give(struct directory *directory, sqlite3_stmt *page, struct view key,
                 void (*each)(void *user, const struct directory_entry *entry), void *user)
{
    int source = sqlite3_column_int(page, SOURCE) % ADDRESS_SOURCES;
    struct directory_entry entry = {.address = stored_address(page, key),
                                    .display_name = database_column_text(page, DISPLAY_NAME),
                                    .source = directory->name_of_source[source]};
    each(user, &entry);
}

/* An address that several hold is given once. */
static int give_rows(struct directory *directory, sqlite3_stmt *page, size_t limit,
                     void (*each)(void *user, const struct directory_entry *entry), void *user,
                     size_t *count)
{
    char former[DIRECTORY_KEY_SIZE + 1] = "";
    int step = SQLITE_DONE;
    while (*count < limit && (step = sqlite3_step(page)) == SQLITE_ROW) {
        struct view key = database_column_text(page, KEY);
        if (view_equal(key, view_of_text(former)))
            continue;
        view_copy_text(key, former, sizeof former);
        give(directory, page, key, each, user);
        ++*count;
    }
    return step;
}

size_t directory_list(struct directory *directory, struct view after, struct view filter,
                      size_t limit, void (*each)(void *user, const struct directory_entry *entry),
                      void *user, struct error *error)
{
    struct directory_key after_key, filter_key;
    sqlite3_stmt *page = NULL;
    size_t count = 0;

    if (error != NULL)
        *error = (struct error){0};
    if (!fold_for_list(after, &after_key) || !fold_for_list(filter, &filter_key))
        return 0;
    lock_acquire(directory->lock);
    if (database_prepare(directory->database, page_sql, &page, error)) {
        int step = SQLITE_ERROR;
        if (database_bind_text(page, 1, key_view(&after_key)) &&
            database_bind_text(page, 2, key_view(&filter_key)))
            step = give_rows(directory, page, limit, each, user, &count);
        if (step != SQLITE_ROW && step != SQLITE_DONE)
            database_fail(directory->database, error);
        sqlite3_finalize(page);
    }
    lock_release(directory->lock);
    return count;
}
