/* rooms: smtp base */
/* A whole session with a stranger. The first bytes of the input say how the host behaves and where the input is cut;
 * the rest is what the client sends. The same is played twice, cut differently and with answers that come at once or
 * later: what is said and what is stored must not depend on that. */
#include "base/buffer.h"
#include "smtp/session.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#define HEAD 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct host {
    struct smtp_session *session;
    uint32_t random; /* decides the answers, in the same order in both runs */
    bool answers_later;
    bool has_question;
    bool in_content;
    bool has_ended;
    bool waits_for_tls;
    struct verdict answer;
    ident last_message;
    struct buffer sent;
    struct buffer stored; /* all messages that came to their end */
    size_t message_start;
};

static uint32_t next_random(struct host *host)
{
    host->random = host->random * 1664525 + 1013904223;
    return host->random >> 24;
}

/* Each line: three digits, blank or hyphen, printable text, CRLF, at most 512 bytes. */
static void check_reply(struct view text)
{
    while (text.length > 0) {
        size_t end = view_find(text, '\n');
        assert(end < text.length && end >= 5 && end < 512 && text.data[end - 1] == '\r');
        assert(text.data[0] >= '2' && text.data[0] <= '5');
        assert(text.data[3] == ' ' || text.data[3] == '-');
        for (size_t i = 0; i < end - 1; i++)
            assert((unsigned char)text.data[i] >= ' ' && text.data[i] != 0x7f);
        text = view_from(text, end + 1);
    }
}

static void take_send(void *user, const char *data, size_t length)
{
    struct host *host = user;
    assert(!host->has_ended && !host->waits_for_tls);
    check_reply(view_of(data, length));
    buffer_append(&host->sent, data, length);
}

static void decide(struct host *host)
{
    uint32_t random = next_random(host);
    verdict_pass(&host->answer, "fuzz");
    if (random < 40)
        verdict_set(&host->answer, "fuzz", 550, "5.1.1", "User\r\nunknown");
    else if (random < 60)
        verdict_set(&host->answer, "fuzz", 451, "4.3.0", "Later");
    else if (random < 62)
        verdict_set(&host->answer, "fuzz", 421, "4.3.0", "Go away");
    host->answer.hang_up = random == 40;
}

static void check_envelope(enum smtp_question question, const struct smtp_envelope *envelope)
{
    assert(envelope->message != 0);
    assert(view_is_utf8(envelope->reverse_path.text));
    for (size_t i = 0; i < envelope->recipient_count; i++)
        assert(envelope->recipients[i].address.text.length > 0);
    if (question == SMTP_ASK_CONTENT || question == SMTP_ASK_STORE)
        assert(envelope->recipient_count > 0);
}

static void take_ask(void *user, enum smtp_question question, const struct smtp_envelope *envelope,
                     const struct smtp_recipient *recipient, const struct smtp_content_facts *facts)
{
    struct host *host = user;
    assert(!host->has_question && !host->has_ended);
    assert((recipient != NULL) == (question == SMTP_ASK_RECIPIENT));
    assert((facts != NULL) == (question == SMTP_ASK_STORE));
    check_envelope(question, envelope);
    decide(host);
    if (question == SMTP_ASK_CONTENT) {
        host->in_content = host->answer.kind == VERDICT_PASS;
        host->message_start = host->stored.length;
    }
    if (question == SMTP_ASK_STORE) {
        assert(host->in_content);
        host->in_content = false;
        buffer_append_text(&host->stored, "stored\n");
    }
    if (question == SMTP_ASK_RECIPIENT && next_random(host) < 20)
        smtp_session_rewrite_recipient(host->session, VIEW("moved@example.test"));
    if (host->answers_later)
        host->has_question = true;
    else
        smtp_session_answer(host->session, &host->answer);
}

static bool take_content(void *user, const char *data, size_t length, struct verdict *verdict)
{
    struct host *host = user;
    assert(host->in_content && length > 0 && !host->has_ended);
    buffer_append(&host->stored, data, length);
    (void)verdict;
    return true;
}

static void take_abandoned(void *user)
{
    struct host *host = user;
    assert(host->in_content);
    host->in_content = false;
    host->stored.length = host->message_start;
}

static void take_refused(void *user, enum smtp_stage stage, const struct smtp_envelope *envelope,
                         struct view address, const struct verdict *verdict)
{
    (void)user;
    (void)stage;
    (void)envelope;
    assert(address.data != NULL);
    assert(verdict->code >= 400 && verdict->rule != NULL);
}

static void take_start_tls(void *user)
{
    struct host *host = user;
    host->waits_for_tls = true;
}

static void take_end(void *user)
{
    struct host *host = user;
    assert(!host->has_ended);
    host->has_ended = true;
}

static ident new_message(void *user)
{
    struct host *host = user;
    return ++host->last_message;
}

static int64_t wall_clock(void *user)
{
    (void)user;
    return 1763982180;
}

static const struct smtp_session_host table = {
    .send = take_send,
    .ask = take_ask,
    .content = take_content,
    .content_abandoned = take_abandoned,
    .refused = take_refused,
    .start_tls = take_start_tls,
    .end = take_end,
    .new_message = new_message,
    .wall_clock = wall_clock,
};

/* Offers input up to `end` and does what the session waits for. Returns how much was taken. */
static size_t offer(struct host *host, const struct smtp_session_options *options,
                    struct view input)
{
    size_t at = 0;
    for (;;) {
        size_t used = 0;
        if (host->waits_for_tls) {
            host->waits_for_tls = false;
            smtp_session_tls_started(host->session, "TLSv1.3 TLS_AES_256_GCM_SHA384");
        }
        if (!smtp_session_is_waiting(host->session)) {
            used = smtp_session_input(host->session, input.data + at, input.length - at);
            assert(used <= input.length - at);
            at += used;
            if (!smtp_session_is_waiting(host->session))
                assert(input.length - at < options->command_line);
        }
        if (host->has_question) {
            host->has_question = false;
            smtp_session_answer(host->session, &host->answer);
        } else if (used == 0 && !host->waits_for_tls) {
            return at;
        }
    }
}

static void check_stored(struct view stored)
{
    for (size_t i = 0; i < stored.length; i++)
        if (stored.data[i] == '\r')
            assert(i + 1 < stored.length && stored.data[i + 1] == '\n');
}

static void play(struct host *host, const uint8_t *head, struct view input, size_t piece,
                 bool answers_later)
{
    struct smtp_session_options options = {
        .host_name = "mx.example.test",
        .software = "Gatepost",
        .message_size = (head[0] & 1) != 0 ? 300 : 0,
        .session_size = (head[0] & 2) != 0 ? 500 : 0,
        .messages = (head[0] & 4) != 0 ? 2 : 0,
        .recipients = 3,
        .hop_count = 2,
        .command_line = 512,
        .text_line = 1000,
        .errors = (head[0] & 8) != 0 ? 5 : 0,
        .idle_commands = (head[0] & 16) != 0 ? 5 : 0,
        .convert_bare_line_ends = (head[0] & 32) != 0,
        .offer_starttls = (head[0] & 64) != 0,
    };
    struct smtp_peer peer = {.address = "192.0.2.1", .trusted = (head[0] & 128) != 0};
    struct verdict pass;

    *host = (struct host){.random = head[1] * 65537u, .answers_later = answers_later};
    buffer_init(&host->sent, 8u << 20);
    buffer_init(&host->stored, 8u << 20);
    verdict_pass(&pass, "fuzz");
    host->session = smtp_session_create(77, &options, &peer, &table, host);
    smtp_session_start(host->session, &pass);
    size_t taken = 0;
    for (size_t offered = 0; offered < input.length;) {
        offered = input.length - offered < piece ? input.length : offered + piece;
        taken += offer(host, &options, view_first(view_from(input, taken), offered - taken));
    }
    if ((head[4] & 1) != 0)
        smtp_session_shut_down(host->session);
    if ((head[4] & 2) != 0)
        smtp_session_time_out(host->session);
    smtp_session_peer_closed(host->session);
    assert(!host->in_content && smtp_session_has_ended(host->session));
    smtp_session_destroy(host->session);
    check_stored(buffer_view(&host->stored));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host first, second;
    if (size < HEAD)
        return 0;
    struct view input = view_of((const char *)data + HEAD, size - HEAD);
    bool offers_starttls = (data[0] & 64) != 0;

    play(&first, data, input, data[2] + 1u, (data[4] & 4) != 0);
    /* What is pipelined behind STARTTLS depends on the cuts; nothing else may. */
    play(&second, data, input, offers_starttls ? data[2] + 1u : data[3] * 16u + 1u,
         (data[4] & 8) != 0);
    assert(view_equal(buffer_view(&first.sent), buffer_view(&second.sent)));
    assert(view_equal(buffer_view(&first.stored), buffer_view(&second.stored)));
    buffer_free(&first.sent);
    buffer_free(&first.stored);
    buffer_free(&second.sent);
    buffer_free(&second.stored);
    return 0;
}
