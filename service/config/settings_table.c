#include "config/settings_table.h"

#include "config/settings.h"
#include "config/settings_check.h"

#define PLACE(table, name) offsetof(struct settings_##table, name)
#define COUNT(table, name) offsetof(struct settings_##table, name##_count)

#define TABLE(table, heading)                                                                      \
    static const char title_of_##table[] = heading;                                                \
    static const struct setting settings_of_##table[] = {
#define TEXT(table, member, rule, longest, value, text)                                            \
    {.name = #member,                                                                              \
     .type = SETTING_TEXT,                                                                         \
     .offset = PLACE(table, member),                                                               \
     .check = settings_check_##rule,                                                               \
     .maximum = (longest),                                                                         \
     .initial_text = (value),                                                                      \
     .help = (text)},
#define SECRET(table, member, longest, text)                                                       \
    {.name = #member,                                                                              \
     .type = SETTING_SECRET,                                                                       \
     .offset = PLACE(table, member),                                                               \
     .maximum = (longest),                                                                         \
     .initial_text = "",                                                                           \
     .help = (text)},
#define NUMBER(table, member, lowest, highest, value, measure, text)                               \
    {.name = #member,                                                                              \
     .type = SETTING_NUMBER,                                                                       \
     .offset = PLACE(table, member),                                                               \
     .minimum = (lowest),                                                                          \
     .maximum = (highest),                                                                         \
     .initial = (value),                                                                           \
     .unit = (measure),                                                                            \
     .help = (text)},
#define SWITCH(table, member, value, text)                                                         \
    {.name = #member,                                                                              \
     .type = SETTING_SWITCH,                                                                       \
     .offset = PLACE(table, member),                                                               \
     .initial = (value),                                                                           \
     .help = (text)},
#define CHOICE(table, member, names, value, text)                                                  \
    {.name = #member,                                                                              \
     .type = SETTING_CHOICE,                                                                       \
     .offset = PLACE(table, member),                                                               \
     .choices = (names),                                                                           \
     .initial = (value),                                                                           \
     .help = (text)},
#define TEXTS(table, member, rule, longest, limit, text)                                           \
    {.name = #member,                                                                              \
     .type = SETTING_TEXTS,                                                                        \
     .offset = PLACE(table, member),                                                               \
     .count_offset = COUNT(table, member),                                                         \
     .check = settings_check_##rule,                                                               \
     .maximum = (longest),                                                                         \
     .most = (limit),                                                                              \
     .help = (text)},
#define OBJECT(table, member, other, text)                                                         \
    {.name = #member,                                                                              \
     .type = SETTING_OBJECT,                                                                       \
     .offset = PLACE(table, member),                                                               \
     .inner = &table_of_##other,                                                                   \
     .help = (text)},
#define OBJECTS(table, member, other, unique, lowest, limit, text)                                 \
    {.name = #member,                                                                              \
     .type = SETTING_OBJECTS,                                                                      \
     .offset = PLACE(table, member),                                                               \
     .count_offset = COUNT(table, member),                                                         \
     .inner = &table_of_##other,                                                                   \
     .key = KEY_##unique,                                                                          \
     .least = (lowest),                                                                            \
     .most = (limit),                                                                              \
     .help = (text)},
#define END(table)                                                                                 \
    }                                                                                              \
    ;                                                                                              \
    static const struct setting_table table_of_##table = {                                         \
        .title = title_of_##table,                                                                 \
        .size = sizeof(struct settings_##table),                                                   \
        .settings = settings_of_##table,                                                           \
        .count = sizeof settings_of_##table / sizeof settings_of_##table[0],                       \
    };

/* The members that lists are unique by. */
#define KEY_none   NULL
#define KEY_name   "name"
#define KEY_domain "domain"

#include "config/settings.def"

const struct setting_table *const settings_root = &table_of_settings;

const struct setting *setting_find(const struct setting_table *table, struct view name)
{
    for (size_t i = 0; i < table->count; i++)
        if (view_equal(name, view_of_text(table->settings[i].name)))
            return &table->settings[i];
    return NULL;
}

#define LONGEST_NAME 64 /* of a member */
#define SLIP_OF_FINGERS                                                                            \
    2 /* letters put in, left out or changed; two that changed places count as two */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Levenshtein distance; names longer than LONGEST_NAME are far from everything. */
static size_t distance(struct view a, struct view b)
{
    size_t row[LONGEST_NAME + 1];
    if (a.length > LONGEST_NAME || b.length > LONGEST_NAME)
        return LONGEST_NAME;
    for (size_t j = 0; j <= b.length; j++)
        row[j] = j;
    for (size_t i = 0; i < a.length; i++) {
        size_t above_left = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.length; j++) {
            size_t above = row[j + 1];
            row[j + 1] = smallest(above_left + (a.data[i] != b.data[j]), above + 1, row[j] + 1);
            above_left = above;
        }
    }
    return row[b.length];
}

const struct setting *setting_nearest(const struct setting_table *table, struct view name)
{
    const struct setting *nearest = NULL;
    size_t best = SLIP_OF_FINGERS + 1;
    for (size_t i = 0; i < table->count; i++) {
        size_t far = distance(name, view_of_text(table->settings[i].name));
        if (far < best) {
            best = far;
            nearest = &table->settings[i];
        }
    }
    return nearest;
}

int setting_choice_find(const struct setting *setting, struct view name)
{
    struct view rest = view_of_text(setting->choices);
    struct view choice;
    for (int position = 0; view_split(&rest, '|', &choice); position++)
        if (view_equal(choice, name))
            return position;
    return -1;
}

struct view setting_choice_name(const struct setting *setting, int position)
{
    struct view rest = view_of_text(setting->choices);
    struct view choice;
    for (int i = 0; view_split(&rest, '|', &choice); i++)
        if (i == position)
            return choice;
    return VIEW_NONE;
}
