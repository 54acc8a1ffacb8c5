/* rooms: cli admin config platform base */
/* with: no_server.c */
/* The command line: which verb, which options, what is wrong use; the help of every verb. */
#include "cli/verb.h"
#include "unit.h"

#define WORDS_MAXIMUM 16

/* A command line as a shell splits it, with ' for quotes. The words live until the next call. */
static int split(const char *line, char **words)
{
    static char copy[500];
    int count = 0;
    bool quoted = false, inside = false;
    char *to = copy;
    for (const char *from = line;; from++) {
        bool ends = *from == '\0' || (*from == ' ' && !quoted);
        if (ends && inside) {
            *to++ = '\0';
            inside = false;
        } else if (!ends) {
            if (!inside)
                words[count++] = to;
            inside = true;
            if (*from == '\'')
                quoted = !quoted;
            else
                *to++ = *from;
        }
        if (*from == '\0')
            return count;
    }
}

static bool parse(const char *line, struct cli_call *call, struct error *error)
{
    char *words[WORDS_MAXIMUM];
    *error = (struct error){0};
    return cli_parse(split(line, words), words, call, error);
}

static struct cli_call parsed(const char *line)
{
    struct cli_call call;
    struct error error;
    ck_assert_msg(parse(line, &call, &error), "%s: %s", line, error.text);
    return call;
}

static void is_verb(const char *line, const char *verb)
{
    ck_assert_str_eq(parsed(line).verb->name, verb);
}

START_TEST(longest_verb_is_found)
{
    is_verb("track", "track");
    is_verb("track history 5", "track history");
    is_verb("service", "service");
    is_verb("service start", "service start");
    is_verb("recipient add a@b.test", "recipient add");
    is_verb("config get", "config get");
    is_verb("status --json", "status");
}
END_TEST

START_TEST(arguments_and_options)
{
    struct cli_call call = parsed("recipient add a@b.test 'Ann B' --data 'C:\\My data' --json");
    ck_assert_str_eq(call.arguments[0], "a@b.test");
    ck_assert_str_eq(call.arguments[1], "Ann B");
    ck_assert_str_eq(call.data_folder, "C:\\My data");
    ck_assert(call.json && !call.help);

    call = parsed("recipient add a@b.test");
    ck_assert_ptr_null(call.arguments[1]);
    ck_assert_ptr_null(call.data_folder);
    ck_assert(!call.json);
}
END_TEST

START_TEST(option_values)
{
    struct cli_call call =
        parsed("track --sender=<> --recipient a@b.test --limit 5 --since 2h --message-id ''");
    ck_assert_str_eq(cli_value(&call, "--sender"), "<>");
    ck_assert_str_eq(cli_value(&call, "--recipient"), "a@b.test");
    ck_assert_str_eq(cli_value(&call, "--since"), "2h");
    ck_assert_str_eq(cli_value(&call, "--message-id"), "");
    ck_assert_ptr_null(cli_value(&call, "--subject"));
    ck_assert_int_eq(cli_number(&call, "--limit", 100), 5);
    call = parsed("track");
    ck_assert_int_eq(cli_number(&call, "--limit", 100), 100);

    call = parsed("recipient import --replace -");
    ck_assert_str_eq(call.arguments[0], "-");
    ck_assert_ptr_nonnull(cli_value(&call, "--replace"));
    call = parsed("recipient explain --from=192.0.2.1 a@b.test");
    ck_assert_str_eq(cli_value(&call, "--from"), "192.0.2.1");
    ck_assert_str_eq(call.arguments[0], "a@b.test");

    /* Behind "--" all are arguments; a value may begin with "-". */
    call = parsed("config set -- outbound.smart_host --help");
    ck_assert_str_eq(call.arguments[1], "--help");
    ck_assert(!call.help);
    call = parsed("track --subject --limit");
    ck_assert_str_eq(cli_value(&call, "--subject"), "--limit");
}
END_TEST

START_TEST(help_is_asked_for)
{
    ck_assert(parsed("track --help").help);
    ck_assert(parsed("track history --help").help);
    ck_assert(parsed("recipient add -h").help);
    ck_assert(parsed("recipient add -?").help);
    ck_assert(parsed("recipient add /?").help);
    ck_assert(parsed("config set outbound.smart_host --frob --help").help);
    struct cli_call call = parsed("recipient --help");
    ck_assert_str_eq(call.verb->name, "help");
    ck_assert_str_eq(call.arguments[0], "recipient");
    call = parsed("--help");
    ck_assert_str_eq(call.verb->name, "help");
    ck_assert_ptr_null(call.arguments[0]);
    is_verb("help config", "help");
}
END_TEST

START_TEST(wrong_use)
{
    static const struct {
        const char *line;
        const char *said;
    } wrong[] = {
        {"", "Say what to do."},
        {"frobnicate", "There is no verb \"frobnicate\"."},
        {"--json status", "There is no verb \"--json\"."},
        {"stat", "There is no verb \"stat\"."},
        {"recipient", "recipient what? \"gatepost help recipient\" lists its verbs."},
        {"recipient frobnicate", "recipient what?"},
        {"service frobnicate", "\"frobnicate\" is too much here."},
        {"recipient add", "Something is missing: ADDRESS [NAME]."},
        {"recipient add a b c", "\"c\" is too much here."},
        {"config set outbound.smart_host", "Something is missing: PATH VALUE."},
        {"config get --frob", "There is no option --frob here."},
        {"config get --frob=1", "There is no option --frob here."},
        {"config get -x", "There is no option -x here."},
        {"status --limit 5", "There is no option --limit here."},
        {"run --json", "There is no option --json here."},
        {"help --data x", "There is no option --data here."},
        {"track --limit", "--limit needs a value: N."},
        {"track --limit x", "--limit: \"x\" is not a whole number from 1 to 1000000."},
        {"track --limit 0", "--limit: \"0\" is not a whole number from 1 to 1000000."},
        {"track --limit 1000001", "--limit: \"1000001\" is not a whole number"},
        {"track --limit -1", "--limit: \"-1\" is not a whole number"},
        {"track --limit 99999999999999999999", "is not a whole number"},
        {"track --limit 1 --limit 2", "--limit is given twice."},
        {"status --data a --data b", "--data is given twice."},
        {"track --since yesterday", "--since: \"yesterday\" is not a time."},
        {"recipient import --replace=yes f", "--replace has no value."},
        {"track \xFF", "Argument 2 is not in UTF-8."},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct cli_call call;
        struct error error;
        ck_assert_msg(!parse(wrong[i].line, &call, &error), "%s passes", wrong[i].line);
        ck_assert_msg(strstr(error.text, wrong[i].said) != NULL, "%s: %s", wrong[i].line,
                      error.text);
    }
    struct cli_call call;
    struct error error;
    ck_assert_int_eq(parse("track --frob", &call, &error), false);
    ck_assert_ptr_nonnull(strstr(error.text, "\"gatepost track --help\" shows how it is used."));
}
END_TEST

/* ---- the table and its help ---- */

#define LINE_MAXIMUM 80

static void is_printable(const char *text)
{
    struct view rest = view_of_text(text), line;
    while (view_split(&rest, '\n', &line)) {
        ck_assert_msg(line.length <= LINE_MAXIMUM, "%.*s", (int)line.length, line.data);
        ck_assert_msg(line.length == 0 || line.data[line.length - 1] != ' ', "%.*s|",
                      (int)line.length, line.data);
    }
}

START_TEST(every_verb_has_help)
{
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        struct buffer help;
        char first[100];
        buffer_init(&help, 10000);
        cli_help_verb(&help, verb);
        is_printable(help.data);
        snprintf(first, sizeof first, "gatepost %s", verb->name);
        ck_assert_int_eq(strncmp(help.data, first, strlen(first)), 0);
        ck_assert_ptr_nonnull(strstr(help.data, verb->summary));
        ck_assert(verb->run != NULL);
        int arguments = verb->arguments[0] != '\0';
        for (const char *blank = verb->arguments; (blank = strchr(blank, ' ')) != NULL; blank++)
            arguments++;
        ck_assert_int_le(arguments, CLI_ARGUMENTS_MAXIMUM);
        ck_assert(verb->help[0] == '\0' || verb->help[strlen(verb->help) - 1] == '\n');
        for (const struct cli_option *option = verb->options;
             option != NULL && option->name != NULL; option++) {
            ck_assert_ptr_nonnull(strstr(help.data, option->name));
            ck_assert((option->kind == CLI_SWITCH) == (option->value == NULL));
            ck_assert_int_lt(option - verb->options, CLI_OPTIONS_MAXIMUM);
        }
        ck_assert_ptr_nonnull(strstr(help.data, "--help"));
        ck_assert_int_eq(strstr(help.data, "--json") != NULL, (verb->common & CLI_HAS_JSON) != 0);
        buffer_free(&help);
    }
}
END_TEST

START_TEST(help_of_a_verb)
{
    struct buffer help;
    buffer_init(&help, 10000);
    cli_help_verb(&help, parsed("recipient explain x").verb);
    ck_assert_str_eq(help.data,
                     "gatepost recipient explain ADDRESS [OPTION...]\n\n"
                     "Say whether mail to an address is accepted, why.\n\n"
                     "Goes through the same rules as a session and prints each with what it "
                     "decided.\n\n"
                     "  --from IP            as if this client asked; a stranger when left out\n"
                     "  --data DIR           data folder of the service; the default one when left "
                     "out\n"
                     "  --json               print the result as JSON, for programs\n"
                     "  --help               print this\n");
    buffer_clear(&help);
    cli_help_verb(&help, parsed("status").verb);
    ck_assert_ptr_eq(strstr(help.data, "gatepost status [OPTION...]\n\nState, "), help.data);
    buffer_free(&help);
}
END_TEST

START_TEST(the_list_has_every_verb)
{
    struct buffer list;
    buffer_init(&list, 10000);
    cli_help_list(&list, VIEW(""));
    is_printable(list.data);
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        char line[100];
        snprintf(line, sizeof line, "\n  %s", verb->name);
        ck_assert_msg(strstr(list.data, line) != NULL, "%s", verb->name);
    }
    ck_assert_ptr_nonnull(strstr(list.data, "Exit codes: 0 done"));

    buffer_clear(&list);
    cli_help_list(&list, VIEW("recipient"));
    ck_assert_ptr_nonnull(strstr(list.data, "recipient add"));
    ck_assert_ptr_null(strstr(list.data, "queue"));
    buffer_clear(&list);
    cli_help_list(&list, VIEW("rec"));
    ck_assert_uint_eq(list.length, 0);
    buffer_free(&list);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("cli_parse");
    tcase_add_test(tests, longest_verb_is_found);
    tcase_add_test(tests, arguments_and_options);
    tcase_add_test(tests, option_values);
    tcase_add_test(tests, help_is_asked_for);
    tcase_add_test(tests, wrong_use);
    tcase_add_test(tests, every_verb_has_help);
    tcase_add_test(tests, help_of_a_verb);
    tcase_add_test(tests, the_list_has_every_verb);
    Suite *suite = suite_create("cli_parse");
    suite_add_tcase(suite, tests);
    return suite;
}
