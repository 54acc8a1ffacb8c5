#include "recipient_import.h"

#include "base/base64.h"
#include "base/memory.h"
#include "ldap/directory.h"
#include "platform/clock.h"
#include "platform/thread.h"

#include <string.h>

#define IMPORTS_MAXIMUM 4
#define FORGOTTEN_MS    (10 * 60 * 1000)

struct recipient_import {
    uint32_t number; /* 0: free */
    char *who;
    struct buffer contents;
    int64_t used_ms; /* monotonic */
};

struct recipient_imports {
    struct lock *lock;
    uint32_t last_number;
    struct recipient_import imports[IMPORTS_MAXIMUM];
};

struct recipient_imports *recipient_imports_create(void)
{
    struct recipient_imports *imports = memory_allocate(1, sizeof(*imports));
    imports->lock = lock_create();
    return imports;
}

static void forget(struct recipient_import *import)
{
    buffer_free(&import->contents);
    memory_free(import->who);
    *import = (struct recipient_import){.number = 0};
}

void recipient_imports_destroy(struct recipient_imports *imports)
{
    for (size_t i = 0; i < IMPORTS_MAXIMUM; i++)
        forget(&imports->imports[i]);
    lock_destroy(imports->lock);
    memory_free(imports);
}

static struct recipient_import *find_free(struct recipient_imports *imports)
{
    int64_t now = clock_monotonic_ms();
    for (size_t i = 0; i < IMPORTS_MAXIMUM; i++) {
        struct recipient_import *import = &imports->imports[i];
        if (import->number != 0 && now - import->used_ms > FORGOTTEN_MS)
            forget(import);
        if (import->number == 0)
            return import;
    }
    return NULL;
}

uint32_t recipient_imports_begin(struct recipient_imports *imports, const char *who)
{
    uint32_t number = 0;
    lock_acquire(imports->lock);
    struct recipient_import *import = find_free(imports);
    if (import != NULL) {
        number = ++imports->last_number;
        import->number = number;
        import->who = memory_copy_text(who);
        import->used_ms = clock_monotonic_ms();
        buffer_init(&import->contents, DIRECTORY_IMPORT_MAXIMUM);
    }
    lock_release(imports->lock);
    return number;
}

static struct recipient_import *find(struct recipient_imports *imports, uint32_t number,
                                     const char *who, struct error *error)
{
    for (size_t i = 0; i < IMPORTS_MAXIMUM; i++) {
        struct recipient_import *import = &imports->imports[i];
        if (number != 0 && import->number == number && strcmp(import->who, who) == 0)
            return import;
    }
    error_set(error, 0, "There is no import %u: begin it again.", number);
    return NULL;
}

static bool add_part(struct recipient_import *import, struct view base64, struct error *error)
{
    size_t room = base64.length / 4 * 3;
    size_t length;
    char *place = buffer_reserve(&import->contents, room);
    import->used_ms = clock_monotonic_ms();
    if (place == NULL)
        return error_set(error, 0, "The list is larger than %zu bytes.", DIRECTORY_IMPORT_MAXIMUM);
    if (!base64_decode(base64, place, &length))
        return error_set(error, 0, "The part is not valid base64.");
    buffer_extend(&import->contents, length);
    return true;
}

bool recipient_imports_add(struct recipient_imports *imports, uint32_t number, const char *who,
                           struct view base64, struct error *error)
{
    lock_acquire(imports->lock);
    struct recipient_import *import = find(imports, number, who, error);
    bool added = import != NULL && add_part(import, base64, error);
    lock_release(imports->lock);
    return added;
}

bool recipient_imports_take(struct recipient_imports *imports, uint32_t number, const char *who,
                            struct buffer *contents, struct error *error)
{
    lock_acquire(imports->lock);
    struct recipient_import *import = find(imports, number, who, error);
    if (import != NULL) {
        *contents = import->contents;
        buffer_init(&import->contents, 0);
        forget(import);
    }
    lock_release(imports->lock);
    return import != NULL;
}
