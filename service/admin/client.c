#include "admin/client.h"

#include "admin/json_append.h"
#include "admin/server.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "platform/channel.h"
#include "platform/clock.h"

#define READ_SIZE 16384 /* bytes at a time */

struct admin_client {
    struct channel *channel;
    struct buffer line; /* a request on its way, then the answer */
    json_int_t last_id;
    bool broken; /* out of step: what comes next may belong to another call */
};

static enum admin_outcome outcome_of(enum channel_failure failure)
{
    switch (failure) {
    case CHANNEL_OK:
        return ADMIN_OK;
    case CHANNEL_NOT_RUNNING:
        return ADMIN_NOT_RUNNING;
    case CHANNEL_DENIED:
        return ADMIN_DENIED;
    case CHANNEL_BUSY:
    case CHANNEL_BROKEN:
        break;
    }
    return ADMIN_BROKEN;
}

struct admin_client *admin_client_connect(const char *computer, const char *channel_name,
                                          uint32_t deadline_ms, enum admin_outcome *outcome,
                                          struct admin_error *error)
{
    enum channel_failure failure = CHANNEL_OK;
    *error = (struct admin_error){0};
    struct channel *channel =
        channel_connect(computer, channel_name, deadline_ms, &failure, &error->error);
    *outcome = outcome_of(failure);
    if (channel == NULL)
        return NULL;
    struct admin_client *client = memory_allocate(1, sizeof *client);
    client->channel = channel;
    buffer_init(&client->line, ADMIN_ANSWER_MAXIMUM + READ_SIZE);
    return client;
}

void admin_client_close(struct admin_client *client)
{
    if (client == NULL)
        return;
    channel_close(client->channel);
    buffer_free(&client->line);
    memory_free(client);
}

static enum admin_outcome broken(struct admin_client *client, struct admin_error *error,
                                 const char *text)
{
    client->broken = true;
    error_set(&error->error, 0, "%s", text);
    return ADMIN_BROKEN;
}

/* Takes params. False when the request is longer than the service takes. */
static bool write_request(struct admin_client *client, const char *method, json_t *params)
{
    json_t *request = json_object();
    json_object_set_new(request, "version", json_integer(ADMIN_VERSION));
    json_object_set_new(request, "id", json_integer(++client->last_id));
    json_object_set_new(request, "method", json_string(method));
    if (params != NULL)
        json_object_set_new(request, "params", params);
    buffer_clear(&client->line);
    bool written = json_append(&client->line, request, JSON_COMPACT) &&
                   client->line.length <= ADMIN_REQUEST_MAXIMUM &&
                   buffer_append_text(&client->line, "\n");
    json_decref(request);
    return written;
}

static uint32_t left_until(int64_t end)
{
    int64_t left = end - clock_monotonic_ms();
    return left > 0 ? (uint32_t)left : 1;
}

/* The answer without its line end is in client->line then. */
static bool read_answer(struct admin_client *client, int64_t end)
{
    char part[READ_SIZE];
    buffer_clear(&client->line);
    for (;;) {
        int got = channel_read(client->channel, part, sizeof part, left_until(end));
        if (got <= 0 || !buffer_append(&client->line, part, (size_t)got))
            return false;
        /* One answer a request: a line end can only be the last byte. */
        if (part[got - 1] == '\n')
            return client->line.length <= ADMIN_ANSWER_MAXIMUM;
        if (clock_monotonic_ms() >= end)
            return false;
    }
}

/* Of an answer that is an error; false when it is none. */
static bool read_error(const json_t *answer, struct admin_error *error)
{
    const json_t *given = json_object_get(answer, "error");
    const char *code = json_string_value(json_object_get(given, "code"));
    const char *message = json_string_value(json_object_get(given, "message"));
    if (code == NULL || message == NULL)
        return false;
    view_copy_text(view_of_text(code), error->code, sizeof error->code);
    error_set(&error->error, 0, "%s", message);
    return true;
}

static enum admin_outcome understand(struct admin_client *client, json_t **result,
                                     struct admin_error *error)
{
    json_t *answer = json_loadb(client->line.data, client->line.length, 0, NULL);
    const json_t *id = json_object_get(answer, "id");
    bool ours = json_is_integer(id) && json_integer_value(id) == client->last_id;
    enum admin_outcome outcome = ADMIN_BROKEN;
    *result = ours ? json_incref(json_object_get(answer, "result")) : NULL;
    if (*result != NULL) {
        outcome = ADMIN_OK;
    } else if ((ours || json_is_null(id)) && read_error(answer, error)) {
        outcome = ADMIN_REFUSED;
        /* What belongs to no request is the last that the service says. */
        client->broken = !ours;
    } else {
        broken(client, error, "The answer of the service makes no sense.");
    }
    json_decref(answer);
    return outcome;
}

enum admin_outcome admin_client_call(struct admin_client *client, const char *method,
                                     json_t *params, uint32_t deadline_ms, json_t **result,
                                     struct admin_error *error)
{
    int64_t end = clock_monotonic_ms() + deadline_ms;
    *result = NULL;
    *error = (struct admin_error){0};
    if (!write_request(client, method, params)) {
        error_set(&error->error, 0, "The request is longer than the %zu bytes that are allowed.",
                  ADMIN_REQUEST_MAXIMUM);
        return ADMIN_BROKEN;
    }
    if (client->broken)
        return broken(client, error, "The connection to the service was lost.");
    /* A service that refuses this client has said why before it closed the channel. */
    channel_write(client->channel, client->line.data, client->line.length, left_until(end));
    if (!read_answer(client, end))
        return broken(client, error,
                      clock_monotonic_ms() >= end ? "The service did not answer in time."
                                                  : "The connection to the service was lost.");
    return understand(client, result, error);
}
