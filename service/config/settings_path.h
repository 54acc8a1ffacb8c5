/*
 * Paths into the document, as administrators write them: "outbound.smart_host",
 * "virtual_servers[0].addresses[1].port", "" for the whole. Documents and values are JSON text; what is
 * returned is the caller's, who frees it with memory_free(). Any thread.
 */
#ifndef GATEPOST_CONFIG_SETTINGS_PATH_H
#define GATEPOST_CONFIG_SETTINGS_PATH_H

#include "config/settings_table.h"

/* What a path names. */
struct settings_target {
    const struct setting *setting;     /* NULL for the whole document */
    bool element;                      /* one element of the list that `setting` is */
    bool within_list;                  /* the path goes through an element of a list */
    const struct setting_table *table; /* its members, NULL when it has none */
};

/* False, with an error that names the nearest setting, when no document has this path. */
bool settings_path_find(const char *path, struct settings_target *target, struct error *error);

/* What a person writes as the value of a setting: plain (relay.example.com, 25, true, the name of a
 * choice) or JSON. "null" stands for the default, and takes an element out of its list. */
char *settings_path_value(const char *path, struct view text, struct error *error);

/* The merge patch that gives the setting at `path` this value. A list is replaced whole, so the patch
 * takes the rest of it from `document`; an element behind the last one is appended. */
char *settings_path_patch(const char *path, struct view value, struct view document,
                          struct error *error);

#endif
