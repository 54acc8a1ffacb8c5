/*
 * The settings as data: one description for each line of settings.def. Reading, writing and checking the
 * document, `gatepost config` and the console's pages walk these tables. Constant; any thread.
 */
#ifndef GATEPOST_CONFIG_SETTINGS_TABLE_H
#define GATEPOST_CONFIG_SETTINGS_TABLE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/view.h"

/* No TEXT of settings.def is longer, bytes. */
#define SETTINGS_TEXT_MAXIMUM 1024

enum setting_type {
    SETTING_TEXT,    /* const char * */
    SETTING_SECRET,  /* const char *, sealed; empty for none */
    SETTING_NUMBER,  /* int64_t */
    SETTING_SWITCH,  /* bool */
    SETTING_CHOICE,  /* int, the position in the choices */
    SETTING_TEXTS,   /* const char ** and a count */
    SETTING_OBJECT,  /* a struct inside */
    SETTING_OBJECTS, /* a pointer to structs and a count */
};

/* Checks a text and appends the form that is kept: settings_check.h. */
typedef bool (*setting_check)(struct view text, struct buffer *canonical, struct error *error);

struct setting_table;

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;       /* of the value in its struct */
    size_t count_offset; /* of a list's count */

    int64_t minimum, maximum; /* of a number; maximum bytes of a text or secret */
    int64_t initial;          /* number, switch (0, 1), choice (position) */
    const char *initial_text; /* SETTING_TEXT */
    const char *unit;         /* of a number: "minutes", "KB", or "" */
    const char *choices;      /* "one|two" */
    setting_check check;      /* SETTING_TEXT, SETTING_TEXTS */
    int64_t least, most;      /* elements of a list */
    const char *key;          /* SETTING_OBJECTS: member that is unique, NULL when there is none */
    const struct setting_table *inner; /* SETTING_OBJECT, SETTING_OBJECTS */

    const char *help;
};

struct setting_table {
    const char *title; /* as the console shows it */
    size_t size;       /* of the struct */
    const struct setting *settings;
    size_t count;
};

/* The whole document. */
extern const struct setting_table *const settings_root;

/* NULL when the table has no such member. */
const struct setting *setting_find(const struct setting_table *table, struct view name);

/* The member whose name differs by a slip of the fingers, or NULL. */
const struct setting *setting_nearest(const struct setting_table *table, struct view name);

/* Whether two structs of the table say the same. */
bool settings_equal(const struct setting_table *table, const void *one, const void *other);

/* The position of a choice, -1 when there is no such. */
int setting_choice_find(const struct setting *setting, struct view name);

/* The name of the choice at a position; empty when there is none. */
struct view setting_choice_name(const struct setting *setting, int position);

#endif
