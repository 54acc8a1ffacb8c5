#include "cli/verb.h"

#include "cli/time.h"
#include "platform/clock.h"

#include <inttypes.h>

/* "recipient add" out of the first arguments: how many of them, 0 when they are not this verb. */
static int words_of(const struct cli_verb *verb, int count, char **arguments)
{
    struct view rest = view_of_text(verb->name);
    struct view word;
    int words = 0;
    while (view_split(&rest, ' ', &word)) {
        if (words == count || !view_equal(word, view_of_text(arguments[words])))
            return 0;
        words++;
    }
    return words;
}

/* The verb with the most words that are there. */
static const struct cli_verb *find_verb(int count, char **arguments, int *words)
{
    const struct cli_verb *found = NULL;
    *words = 0;
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        int matched = words_of(verb, count, arguments);
        if (matched > *words) {
            *words = matched;
            found = verb;
        }
    }
    return found;
}

static const struct cli_verb *verb_named(const char *name)
{
    const struct cli_verb *verb = cli_verbs;
    while (strcmp(verb->name, name) != 0)
        verb++;
    return verb;
}

bool cli_verb_is_in(const struct cli_verb *verb, struct view words)
{
    struct view name = view_of_text(verb->name);
    bool whole_words = name.length == words.length || view_is_empty(words) ||
                       (name.length > words.length && name.data[words.length] == ' ');
    return whole_words && view_equal(view_first(name, words.length), words);
}

static bool is_group(const char *word)
{
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++)
        if (cli_verb_is_in(verb, view_of_text(word)))
            return true;
    return false;
}

static bool asks_for_help(int count, char **arguments)
{
    for (int i = 0; i < count && strcmp(arguments[i], "--") != 0; i++)
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0 ||
            strcmp(arguments[i], "-?") == 0 || strcmp(arguments[i], "/?") == 0)
            return true;
    return false;
}

static bool no_verb(int count, char **arguments, struct error *error)
{
    if (count == 0)
        return error_set(error, 0, "Say what to do. \"gatepost help\" lists the verbs.");
    if (is_group(arguments[0]))
        return error_set(error, 0, "%s what? \"gatepost help %s\" lists its verbs.", arguments[0],
                         arguments[0]);
    return error_set(error, 0, "There is no verb \"%s\". \"gatepost help\" lists the verbs.",
                     arguments[0]);
}

/* The state of a walk through the arguments behind the verb. */
struct reading {
    struct cli_call *call;
    int given; /* arguments that are not options */
    struct error *error;
};

static bool wrong_use(const struct reading *reading)
{
    const char *name = reading->call->verb->name;
    char text[sizeof reading->error->text];
    snprintf(text, sizeof text, "%s", reading->error->text);
    return error_set(reading->error, 0, "%s \"gatepost %s --help\" shows how it is used.", text,
                     name);
}

/* Where the value of an option is to be kept; NULL when the verb has no such option. */
static const char **place_of(struct cli_call *call, struct view name,
                             const struct cli_option **option)
{
    const struct cli_option *own = call->verb->options;
    for (int i = 0; own != NULL && own[i].name != NULL; i++)
        if (view_equal(name, view_of_text(own[i].name))) {
            *option = &own[i];
            return &call->values[i];
        }
    if ((call->verb->common & CLI_HAS_DATA) != 0 && view_equal(name, VIEW("--data"))) {
        *option = &cli_common_options[CLI_OPTION_DATA];
        return &call->data_folder;
    }
    return NULL;
}

static bool check_value(const struct cli_option *option, const char *value, struct error *error)
{
    uint64_t number;
    int64_t time;
    if (option->kind == CLI_NUMBER &&
        (!view_to_uint64(view_of_text(value), &number) || number > INT64_MAX ||
         (int64_t)number < option->minimum || (int64_t)number > option->maximum))
        return error_set(error, 0,
                         "%s: \"%s\" is not a whole number from %" PRId64 " to %" PRId64 ".",
                         option->name, value, option->minimum, option->maximum);
    if (option->kind == CLI_TIME && value[0] != '\0' &&
        !cli_time_given(value, clock_unix_ms(), &time))
        return error_set(
            error, 0,
            "%s: \"%s\" is not a time. Write 2026-11-24, \"2026-11-24 10:00\", or 30m, "
            "2h, 7d for so long ago.",
            option->name, value);
    return true;
}

/* arguments[*position] begins with "-". Moves *position to the last argument that was used. */
static bool read_option(struct reading *reading, int count, char **arguments, int *position)
{
    const struct cli_option *option = NULL;
    struct view argument = view_of_text(arguments[*position]);
    size_t equals = view_find(argument, '=');
    struct view name = view_first(argument, equals);
    if (view_equal(argument, VIEW("--json")) && (reading->call->verb->common & CLI_HAS_JSON) != 0) {
        reading->call->json = true;
        return true;
    }
    const char **place = place_of(reading->call, name, &option);
    if (place == NULL)
        return error_set(reading->error, 0, "There is no option %.*s here.", (int)name.length,
                         name.data);
    if (*place != NULL)
        return error_set(reading->error, 0, "%s is given twice.", option->name);
    bool attached = equals < argument.length;
    if (option->kind == CLI_SWITCH) {
        *place = "";
        return !attached || error_set(reading->error, 0, "%s has no value.", option->name);
    }
    if (!attached && ++*position == count)
        return error_set(reading->error, 0, "%s needs a value: %s.", option->name, option->value);
    *place = attached ? argument.data + equals + 1 : arguments[*position];
    return check_value(option, *place, reading->error);
}

/* How many arguments "ADDRESS [NAME]" stands for, and how many of them must be there. */
static void count_arguments(const struct cli_verb *verb, int *least, int *most)
{
    struct view rest = view_of_text(verb->arguments);
    struct view word;
    *least = *most = 0;
    while (view_split(&rest, ' ', &word)) {
        if (view_is_empty(word))
            continue;
        ++*most;
        *least += word.data[0] != '[';
    }
}

static bool read_argument(struct reading *reading, const char *argument)
{
    int least, most;
    count_arguments(reading->call->verb, &least, &most);
    if (reading->given == most)
        return error_set(reading->error, 0, "\"%s\" is too much here.", argument);
    reading->call->arguments[reading->given++] = argument;
    return true;
}

static bool read_all(struct reading *reading, int count, char **arguments)
{
    bool options = true;
    int least, most;
    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];
        bool read;
        if (options && strcmp(argument, "--") == 0) {
            options = false;
            continue;
        }
        /* "-" alone is a file: standard input. */
        if (options && argument[0] == '-' && argument[1] != '\0')
            read = read_option(reading, count, arguments, &i);
        else
            read = read_argument(reading, argument);
        if (!read)
            return wrong_use(reading);
    }
    count_arguments(reading->call->verb, &least, &most);
    if (reading->given < least) {
        error_set(reading->error, 0, "Something is missing: %s.", reading->call->verb->arguments);
        return wrong_use(reading);
    }
    return true;
}

bool cli_parse(int count, char **arguments, struct cli_call *call, struct error *error)
{
    int words;
    *call = (struct cli_call){0};
    for (int i = 0; i < count; i++)
        if (!view_is_utf8(view_of_text(arguments[i])))
            return error_set(error, 0, "Argument %d is not in UTF-8.", i + 1);

    call->verb = find_verb(count, arguments, &words);
    if (asks_for_help(count, arguments)) {
        call->help = call->verb != NULL;
        if (call->verb == NULL) {
            call->verb = verb_named("help");
            call->arguments[0] = is_group(arguments[0]) ? arguments[0] : NULL;
        }
        return true;
    }
    struct reading reading = {.call = call, .error = error};
    return call->verb == NULL ? no_verb(count, arguments, error)
                              : read_all(&reading, count - words, arguments + words);
}

const char *cli_value(const struct cli_call *call, const char *name)
{
    for (int i = 0; call->verb->options[i].name != NULL; i++)
        if (strcmp(call->verb->options[i].name, name) == 0)
            return call->values[i];
    return NULL;
}

int64_t cli_number(const struct cli_call *call, const char *name, int64_t otherwise)
{
    uint64_t number;
    const char *value = cli_value(call, name);
    return value != NULL && view_to_uint64(view_of_text(value), &number) ? (int64_t)number
                                                                         : otherwise;
}
