/*
 * Inside the config room: between JSON values and the structs of settings.def, and what is done to
 * documents as JSON. Any thread, on values of its own.
 */
#ifndef GATEPOST_CONFIG_SETTINGS_JSON_H
#define GATEPOST_CONFIG_SETTINGS_JSON_H

#include "base/arena.h"
#include "config/settings.h"

#include <jansson.h>

/* Text to JSON, within SETTINGS_DOCUMENT_MAXIMUM and SETTINGS_DEPTH_MAXIMUM. A new reference, or NULL with
 * an error that names line and column. */
json_t *settings_json_load(struct view text, struct error *error);

/* The shortest text of a value. The caller frees it with memory_free(). */
char *settings_json_dump(const json_t *value);

/* Fills *values, whose texts and lists live in the arena; checks each value by itself. */
bool settings_read(const json_t *document, struct arena *arena, struct settings_settings *values,
                   struct error *error);

/* Checks what more than one value takes part in. */
bool settings_check_together(const struct settings_settings *values, struct error *error);

/* The whole document with all defaults, members in the order of settings.def. A new reference. */
json_t *settings_write(const struct settings_settings *values);

/* A new snapshot of a document; both checks are made. */
const struct settings_snapshot *settings_from_json(const json_t *document, int64_t revision,
                                                   struct error *error);

/* RFC 7396: the target with the patch applied. A new reference; target and patch stay as they are. */
json_t *settings_merge(const json_t *target, const json_t *patch);

/* What stands at a path; a borrowed reference, NULL with error when there is nothing. */
json_t *settings_json_at(json_t *document, const char *path, struct error *error);

/* Paths of what differs between two documents as settings_write() makes them, "retry.first,
 * accepted_domains[0].host"; cut at size - 1 with "and more". False when nothing differs. */
bool settings_difference(const json_t *from, const json_t *to, char *summary, size_t size);

#endif
