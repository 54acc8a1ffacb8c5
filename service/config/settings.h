/*
 * The settings document: one immutable snapshot (struct settings, made from settings.def), its JSON form,
 * and the checks. A snapshot is counted: whoever keeps it past the current call retains it. Snapshots and
 * all they point to never change; any thread may read one.
 */
#ifndef GATEPOST_CONFIG_SETTINGS_H
#define GATEPOST_CONFIG_SETTINGS_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/view.h"

#define TABLE(table, title)                                        struct settings_##table {
#define TEXT(table, name, check, maximum, initial, help)           const char *name;
#define SECRET(table, name, maximum, help)                         const char *name;
#define NUMBER(table, name, minimum, maximum, initial, unit, help) int64_t name;
#define SWITCH(table, name, initial, help)                         bool name;
#define CHOICE(table, name, choices, initial, help)                int name;
#define TEXTS(table, name, check, maximum, most, help)                                             \
    const char **name;                                                                             \
    size_t name##_count;
#define OBJECT(table, name, other, help) struct settings_##other name;
#define OBJECTS(table, name, other, key, least, most, help)                                        \
    struct settings_##other *name;                                                                 \
    size_t name##_count;
#define END(table)                                                                                 \
    }                                                                                              \
    ;
#include "config/settings.def"
#undef TABLE
#undef TEXT
#undef SECRET
#undef NUMBER
#undef SWITCH
#undef CHOICE
#undef TEXTS
#undef OBJECT
#undef OBJECTS
#undef END

/* Positions in the choices of settings.def. */
enum { BARE_LINE_ENDS_REJECT, BARE_LINE_ENDS_CONVERT };
enum { DOMAIN_AUTHORITATIVE, DOMAIN_RELAY };
enum { DELIVER_TO_DROP, DELIVER_TO_HOST };
enum {
    DIRECTORY_AUTOMATIC,
    DIRECTORY_ACTIVE_DIRECTORY,
    DIRECTORY_USN,
    DIRECTORY_OPENLDAP,
    DIRECTORY_SEARCH
};
enum { SECURITY_LDAPS, SECURITY_STARTTLS, SECURITY_PLAIN };
enum { RECIPIENTS_BY_DIRECTORY, RECIPIENTS_BY_CALLOUT };

/* The whole document with what belongs to it. */
struct settings_snapshot {
    struct settings_settings values;
    int64_t revision; /* 0 = defaults, nothing stored yet */
};

/* Stands for a secret wherever settings are shown; set again, it means the one that is stored. */
#define SETTINGS_MASK "********"

/* Appends the secret that a snapshot holds sealed, not empty. folder: that of config.db. */
bool settings_unseal(const char *sealed, const char *folder, struct buffer *secret,
                     struct error *error);

/* Bounds of a document and of a patch: bytes of JSON, objects and lists inside each other. */
#define SETTINGS_DOCUMENT_MAXIMUM ((size_t)4 * 1024 * 1024 - 4096)
#define SETTINGS_DEPTH_MAXIMUM    16

/* Parses and checks a whole document; members that are missing get their default, members that are not
 * known are errors, secrets are sealed. error names the path: "virtual_servers[0].addresses[1].port: 70000 is not between 1
 * and 65535." The caller releases the result. */
const struct settings_snapshot *settings_parse(struct view json, int64_t revision,
                                               struct error *error);

/* The document of a first start: what settings_parse() makes of "{}". The caller releases it. */
const struct settings_snapshot *settings_defaults(void);

/* The whole document as JSON, defaults included, secrets sealed, members in the order of settings.def, without
 * blanks. The caller frees it with memory_free(). */
char *settings_json(const struct settings_snapshot *snapshot);

const struct settings_snapshot *settings_retain(const struct settings_snapshot *snapshot);
void settings_release(const struct settings_snapshot *snapshot);

#endif
