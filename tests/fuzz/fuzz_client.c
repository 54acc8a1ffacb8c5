/* rooms: smtp base */
/* A hostile next hop: whatever it says and wherever its words are cut, each recipient of each
 * message gets exactly one outcome, "delivered" only for content that was sent whole, and nothing
 * is said after the end. */
#include "smtp/client.h"

#include "base/memory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES   4
#define RECIPIENTS 3

struct world {
    struct smtp_client_message messages[MESSAGES];
    struct smtp_client_recipient recipients[RECIPIENTS];
    size_t given;
    size_t pieces[MESSAGES]; /* of content handed over */
    bool whole[MESSAGES];
    unsigned told[MESSAGES][RECIPIENTS];
    bool done[MESSAGES];
    bool ended;
    bool stutter;
    uint8_t choices; /* bits: what the messages are like, what follows them */
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t number_of(const struct world *world, const struct smtp_client_message *message)
{
    size_t number = (size_t)(message - world->messages);
    must(number < world->given && !world->done[number]);
    return number;
}

static void take(void *user, const char *data, size_t length)
{
    const struct world *world = user;
    must(!world->ended && data != NULL && length > 0);
}

static size_t room(void *user)
{
    struct world *world = user;
    world->stutter = !world->stutter;
    return (world->choices & 1) == 0 ? SIZE_MAX : world->stutter ? 0 : 5;
}

static enum smtp_client_next next(void *user, const struct smtp_client_message **message)
{
    struct world *world = user;
    if (world->given == MESSAGES)
        return (world->choices & 2) == 0 ? SMTP_CLIENT_WAIT : SMTP_CLIENT_QUIT;
    *message = &world->messages[world->given++];
    return SMTP_CLIENT_MESSAGE;
}

static enum smtp_client_content content(void *user, const struct smtp_client_message *message,
                                        struct view *piece)
{
    struct world *world = user;
    size_t number = number_of(world, message);
    must(!world->whole[number]);
    *piece = VIEW(".\r\n.a line\r\n");
    if (world->pieces[number]++ < 3)
        return SMTP_CLIENT_PIECE;
    world->whole[number] = true;
    return SMTP_CLIENT_CONTENT_END;
}

static void recipient_done(void *user, const struct smtp_client_message *message, size_t recipient,
                           enum smtp_client_outcome outcome, const struct smtp_client_reply *reply)
{
    struct world *world = user;
    size_t number = number_of(world, message);
    must(recipient < message->recipient_count && world->told[number][recipient]++ == 0);
    must(outcome != SMTP_CLIENT_DELIVERED || (world->whole[number] && reply->code / 100 == 2));
    must(outcome != SMTP_CLIENT_FAILED || reply->code / 100 == 5 || reply->code == 0);
    must(view_is_utf8(view_of_text(reply->text)));
}

static void message_done(void *user, const struct smtp_client_message *message)
{
    struct world *world = user;
    size_t number = number_of(world, message);
    for (size_t i = 0; i < message->recipient_count; i++)
        must(world->told[number][i] == 1);
    world->done[number] = true;
}

static void end(void *user, enum smtp_client_end how, const struct smtp_client_reply *reply)
{
    struct world *world = user;
    (void)how;
    must(!world->ended && view_is_utf8(view_of_text(reply->text)));
    for (size_t i = 0; i < world->given; i++)
        must(world->done[i]);
    world->ended = true;
}

static void fill(struct world *world, uint8_t choices)
{
    world->choices = choices;
    for (size_t i = 0; i < RECIPIENTS; i++)
        world->recipients[i] = (struct smtp_client_recipient){
            "ann@example.test", "rfc822;ann@example.test", SMTP_NOTIFY_FAILURE};
    for (size_t i = 0; i < MESSAGES; i++)
        world->messages[i] = (struct smtp_client_message){
            .reverse_path = "eve@example.net",
            .envid = "1",
            .ret = SMTP_RET_FULL,
            .body = SMTP_BODY_8BITMIME,
            .smtputf8 = i == 1 && (choices & 4) != 0,
            .size = 36,
            .recipients = world->recipients,
            .recipient_count = 1 + (choices >> 3) % RECIPIENTS,
        };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct smtp_client_host host = {take,           room,         next, content,
                                                 recipient_done, message_done, end};
    if (size < 2)
        return 0;
    struct world world = {0};
    fill(&world, data[0]);
    size_t step = 1 + data[1];
    struct smtp_client *client = smtp_client_create("gate.test", &host, &world);

    /* Input is a copy of its own size, so that a read behind it is seen. */
    size_t taken = 2;
    for (size_t heard = 2; heard < size && !world.ended;) {
        heard = size - heard < step ? size : heard + step;
        size_t length = heard - taken;
        char *copy = memory_allocate(length, 1);
        memcpy(copy, data + taken, length);
        size_t now = smtp_client_input(client, copy, length);
        must(now <= length && length - now < SMTP_CLIENT_LINE_MAXIMUM);
        taken += now;
        memory_free(copy);
        smtp_client_drained(client);
    }
    if ((data[0] & 0x40) != 0)
        smtp_client_time_out(client);
    else
        smtp_client_closed(client, "");
    must(world.ended && smtp_client_has_ended(client));
    smtp_client_destroy(client);
    return 0;
}
