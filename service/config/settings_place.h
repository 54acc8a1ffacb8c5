/* Inside the config room: where a walk through a document is, as a chain on the stack of the walk. */
#ifndef GATEPOST_CONFIG_SETTINGS_PLACE_H
#define GATEPOST_CONFIG_SETTINGS_PLACE_H

#include "base/buffer.h"

struct settings_place {
    const struct settings_place *outer; /* NULL at the top */
    const char *name;                   /* of a member; NULL for an element of a list */
    size_t index;                       /* of an element */
};

/* Longest path that is written whole. */
#define SETTINGS_PATH_MAXIMUM 200

/* Appends "virtual_servers[0].addresses[1].port"; the top itself has no path. */
void settings_place_append(struct buffer *path, const struct settings_place *place);

#endif
