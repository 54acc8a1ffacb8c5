#include "config/settings_place.h"

#include "config/settings_check.h"

void settings_place_append(struct buffer *path, const struct settings_place *place)
{
    char shown[SETTINGS_SHOWN_SIZE];
    if (place == NULL)
        return;
    settings_place_append(path, place->outer);
    if (place->name == NULL)
        buffer_append_format(path, "[%zu]", place->index);
    else
        buffer_append_format(path, "%s%s", place->outer == NULL ? "" : ".",
                             settings_show(view_of_text(place->name), shown));
}
