#include "admin/request.h"

#include "admin/json_append.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"

struct method {
    admin_method function;
    void *user;
};

struct admin_methods {
    struct hash_table *table;
};

struct admin_methods *admin_methods_create(void)
{
    struct admin_methods *methods = memory_allocate(1, sizeof *methods);
    methods->table = hash_table_create();
    return methods;
}

void admin_methods_destroy(struct admin_methods *methods)
{
    hash_table_destroy(methods->table, memory_free);
    memory_free(methods);
}

void admin_methods_register(struct admin_methods *methods, const char *name, admin_method function,
                            void *user)
{
    struct method *method = memory_allocate(1, sizeof *method);
    *method = (struct method){function, user};
    memory_free(hash_table_set(methods->table, view_of_text(name), method));
}

/* {"id":...,"result":...}. False, and nothing is appended, when it is too long. */
static bool append_result(struct buffer *answer, json_t *id, json_t *result)
{
    json_t *line = json_object();
    size_t start = answer->length;
    json_object_set(line, "id", id);
    json_object_set(line, "result", result);
    bool fits = json_append(answer, line, JSON_COMPACT) && buffer_append_text(answer, "\n");
    json_decref(line);
    if (!fits)
        answer->length = start;
    return fits;
}

/* {"id":...,"error":{...}}. */
static void append_error(struct buffer *answer, json_t *id, const char *code, const char *text)
{
    json_t *error = json_object();
    json_object_set_new(error, "code", admin_json_text(code));
    json_object_set_new(error, "message", admin_json_text(text));
    json_t *line = json_object();
    json_object_set(line, "id", id);
    json_object_set_new(line, "error", error);
    json_append(answer, line, JSON_COMPACT);
    buffer_append_text(answer, "\n");
    json_decref(line);
}

void admin_answer_error(struct buffer *answer, const char *code, const char *text)
{
    append_error(answer, json_null(), code, text);
}

/* Carries out a request that is an object with an id. A new reference, or NULL after admin_fail(). */
static json_t *carry_out(const struct admin_methods *methods, const json_t *request,
                         struct admin_call *call)
{
    const json_t *version = json_object_get(request, "version");
    if (!json_is_integer(version) || json_integer_value(version) != ADMIN_VERSION)
        return admin_fail(call, "bad-request",
                          "This service speaks version %d of the management protocol: use the "
                          "program that was installed with it.",
                          ADMIN_VERSION);
    const char *name = json_string_value(json_object_get(request, "method"));
    if (name == NULL)
        return admin_fail(call, "bad-request", "The method of a request is a text.");
    if (!json_is_object(call->params))
        return admin_fail(call, "bad-request", "The params of a request are an object.");
    const struct method *method = hash_table_get(methods->table, view_of_text(name));
    if (method == NULL)
        return admin_fail(call, "unknown-method", "There is no method \"%.60s\".", name);

    log_line(LOG_DEBUG, 0, "management: %s asks %s", call->who, name);
    json_t *result = method->function(method->user, call);
    if (result == NULL && call->code[0] == '\0')
        admin_fail(call, "failed", "The service gave no reason.");
    return result;
}

static void answer_object(const struct admin_methods *methods, const char *who,
                          const json_t *request, struct buffer *answer)
{
    json_t *id = json_object_get(request, "id");
    json_t *no_params = json_object();
    struct admin_call call = {.who = who, .params = json_object_get(request, "params")};
    if (call.params == NULL)
        call.params = no_params;

    if (!json_is_integer(id)) {
        admin_answer_error(answer, "bad-request", "The id of a request is a whole number.");
    } else {
        json_t *result = carry_out(methods, request, &call);
        if (result == NULL)
            append_error(answer, id, call.code, call.error.text);
        else if (!append_result(answer, id, result))
            append_error(answer, id, "failed",
                         "The answer is too long: ask for fewer rows at a time (limit).");
        json_decref(result);
    }
    json_decref(no_params);
}

void admin_methods_answer(const struct admin_methods *methods, const char *who, struct view request,
                          struct buffer *answer)
{
    struct error reason;
    json_error_t position;
    json_t *json = json_loadb(request.data == NULL ? "" : request.data, request.length,
                              JSON_REJECT_DUPLICATES, &position);
    if (json == NULL) {
        error_set(&reason, 0, "A request is a JSON object in one line; column %d: %s.",
                  position.column, position.text);
        admin_answer_error(answer, "bad-request", reason.text);
    } else if (json_is_object(json)) {
        answer_object(methods, who, json, answer);
    } else {
        admin_answer_error(answer, "bad-request", "A request is a JSON object, not a list.");
    }
    json_decref(json);
}
