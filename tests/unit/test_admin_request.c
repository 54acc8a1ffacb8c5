/* rooms: admin config platform base */
/* A line in, a line out: what makes a request, how errors are told, what parameters are checked. */
#include "admin/request.h"
#include "unit.h"

static struct admin_methods *methods;

static json_t *echo(void *user, struct admin_call *call)
{
    (void)user;
    return json_pack("{s:s, s:O}", "who", call->who, "params", call->params);
}

static json_t *fail_with_code(void *user, struct admin_call *call)
{
    return admin_fail(call, user, "Nothing %s, %d.", "found", 7);
}

static json_t *fail_silently(void *user, struct admin_call *call)
{
    (void)user;
    (void)call;
    return NULL;
}

static json_t *too_much(void *user, struct admin_call *call)
{
    (void)user;
    (void)call;
    char *text = malloc(ADMIN_ANSWER_MAXIMUM + 1);
    memset(text, 'x', ADMIN_ANSWER_MAXIMUM);
    text[ADMIN_ANSWER_MAXIMUM] = '\0';
    json_t *result = json_string(text);
    free(text);
    return result;
}

static json_t *read_params(void *user, struct admin_call *call)
{
    const char *text = "unset";
    int64_t number = -1;
    bool flag = false;
    (void)user;
    if (!admin_text(call, "text", &text) || !admin_number(call, "number", 1, 10, &number) ||
        !admin_switch(call, "flag", &flag))
        return NULL;
    return json_pack("[s, I, b]", text, (json_int_t)number, flag);
}

static void setup(void)
{
    static char not_found[] = "not-found";
    methods = admin_methods_create();
    admin_methods_register(methods, "echo", fail_silently, NULL);
    admin_methods_register(methods, "echo", echo, NULL);
    admin_methods_register(methods, "fail", fail_with_code, not_found);
    admin_methods_register(methods, "silent", fail_silently, NULL);
    admin_methods_register(methods, "much", too_much, NULL);
    admin_methods_register(methods, "read", read_params, NULL);
}

static void teardown(void)
{
    admin_methods_destroy(methods);
}

static void answers(const char *request, const char *expected)
{
    struct buffer answer;
    buffer_init(&answer, ADMIN_ANSWER_MAXIMUM);
    admin_methods_answer(methods, "DOMAIN\\ann", view_of_text(request), &answer);
    ck_assert_uint_gt(answer.length, 0);
    ck_assert_int_eq(answer.data[answer.length - 1], '\n');
    answer.data[answer.length - 1] = '\0';
    ck_assert_str_eq(answer.data, expected);
    buffer_free(&answer);
}

START_TEST(requests_are_carried_out)
{
    answers("{\"version\":1,\"id\":7,\"method\":\"echo\",\"params\":{\"a\":[1]}}",
            "{\"id\":7,\"result\":{\"who\":\"DOMAIN\\\\ann\",\"params\":{\"a\":[1]}}}");
    answers(" {\"method\":\"echo\", \"id\":-3, \"version\":1, \"more\":true}\r",
            "{\"id\":-3,\"result\":{\"who\":\"DOMAIN\\\\ann\",\"params\":{}}}");
}
END_TEST

START_TEST(errors_have_code_and_sentence)
{
    answers("{\"version\":1,\"id\":7,\"method\":\"fail\"}",
            "{\"id\":7,\"error\":{\"code\":\"not-found\",\"message\":\"Nothing found, 7.\"}}");
    answers("{\"version\":1,\"id\":7,\"method\":\"silent\"}",
            "{\"id\":7,\"error\":{\"code\":\"failed\",\"message\":\"The service gave no "
            "reason.\"}}");
    answers("{\"version\":1,\"id\":7,\"method\":\"nothing\"}",
            "{\"id\":7,\"error\":{\"code\":\"unknown-method\",\"message\":\"There is no method "
            "\\\"nothing\\\".\"}}");
    answers("{\"version\":1,\"id\":7,\"method\":\"much\"}",
            "{\"id\":7,\"error\":{\"code\":\"failed\",\"message\":\"The answer is too long: ask "
            "for fewer rows at a time (limit).\"}}");
}
END_TEST

#define BAD(id, text)                                                                              \
    "{\"id\":" id ",\"error\":{\"code\":\"bad-request\",\"message\":\"" text "\"}}"

START_TEST(what_is_no_request_is_answered)
{
    answers("", BAD("null", "A request is a JSON object in one line; column 0: '[' or '{' expected "
                            "near end of file."));
    answers("{", BAD("null", "A request is a JSON object in one line; column 1: string or '}' "
                             "expected near end of file."));
    answers("[]", BAD("null", "A request is a JSON object, not a list."));
    answers("{}", BAD("null", "The id of a request is a whole number."));
    answers("{\"id\":\"7\"}", BAD("null", "The id of a request is a whole number."));
    answers("{\"id\":7,\"id\":8}",
            BAD("null", "A request is a JSON object in one line; column 12: duplicate object key "
                        "near '\\\"id\\\"'."));
    answers("{\"id\":7,\"version\":1}", BAD("7", "The method of a request is a text."));
    answers("{\"id\":7,\"version\":1,\"method\":5}",
            BAD("7", "The method of a request is a text."));
    answers("{\"id\":7,\"version\":1,\"method\":\"echo\",\"params\":[]}",
            BAD("7", "The params of a request are an object."));
    answers("{\"id\":7,\"version\":1,\"method\":\"echo\",\"params\":null}",
            BAD("7", "The params of a request are an object."));
}
END_TEST

START_TEST(other_versions_are_refused)
{
    const char *told = BAD("7", "This service speaks version 1 of the management protocol: use the "
                                "program that was installed with it.");
    answers("{\"version\":2,\"id\":7,\"method\":\"echo\"}", told);
    answers("{\"version\":\"1\",\"id\":7,\"method\":\"echo\"}", told);
    answers("{\"id\":7,\"method\":\"echo\"}", told);
}
END_TEST

#define READ(params) "{\"version\":1,\"id\":7,\"method\":\"read\",\"params\":{" params "}}"

START_TEST(parameters_are_checked)
{
    answers(READ(""), "{\"id\":7,\"result\":[\"unset\",-1,false]}");
    answers(READ("\"text\":\"a\",\"number\":1,\"flag\":true"),
            "{\"id\":7,\"result\":[\"a\",1,true]}");
    answers(READ("\"number\":10"), "{\"id\":7,\"result\":[\"unset\",10,false]}");
    answers(READ("\"number\":0"), BAD("7", "number: 0 is not between 1 and 10."));
    answers(READ("\"number\":11"), BAD("7", "number: 11 is not between 1 and 10."));
    answers(READ("\"number\":1.0"), BAD("7", "number: must be a whole number."));
    answers(READ("\"number\":null"), BAD("7", "number: must be a whole number."));
    answers(READ("\"text\":1"), BAD("7", "text: must be text."));
    answers(READ("\"flag\":1"), BAD("7", "flag: must be true or false."));
}
END_TEST

static void json_text_is(const char *text, const char *shown)
{
    json_t *json = admin_json_text(text);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json), shown);
    json_decref(json);
}

START_TEST(any_bytes_become_text)
{
    json_text_is("plain", "plain");
    json_text_is("", "");
    json_text_is(NULL, "");
    json_text_is("gr\xC3\xBC\xC3\x9F", "grüß");
    json_text_is("gr\xFC\xDF x", "gr?? x");
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("admin_request");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, requests_are_carried_out);
    tcase_add_test(tests, errors_have_code_and_sentence);
    tcase_add_test(tests, what_is_no_request_is_answered);
    tcase_add_test(tests, other_versions_are_refused);
    tcase_add_test(tests, parameters_are_checked);
    tcase_add_test(tests, any_bytes_become_text);
    Suite *suite = suite_create("admin_request");
    suite_add_tcase(suite, tests);
    return suite;
}
