#include "session_host.h"

#include "unit.h"

#define MAXIMUM (4u << 20)

static void record(struct session_host *host, const char *kind, struct view text)
{
    buffer_append_text(&host->transcript, kind);
    buffer_append_view(&host->transcript, text);
    buffer_append_text(&host->transcript, "\n");
}

/* Line by line, each of which must end with CRLF. */
static void record_lines(struct session_host *host, const char *kind, struct view text)
{
    while (text.length > 0) {
        size_t end = view_find(text, '\n');
        ck_assert_uint_lt(end, text.length);
        ck_assert(end > 0 && text.data[end - 1] == '\r');
        record(host, kind, view_first(text, end - 1));
        text = view_from(text, end + 1);
    }
}

static void take_send(void *user, const char *data, size_t length)
{
    struct session_host *host = user;
    struct view line = view_of(data, length);
    ck_assert(!smtp_session_has_ended(host->session));
    ck_assert_uint_ge(length, 6);
    record_lines(host, "S: ", line);
}

static bool starts(struct view text, const char *prefix)
{
    return view_starts_with_nocase(text, view_of_text(prefix));
}

static void decide_by_address(struct session_host *host, struct view address)
{
    struct verdict *answer = &host->answer;
    if (starts(address, "unknown"))
        verdict_set(answer, "recipient-unknown", 550, "5.1.1", "User unknown");
    else if (starts(address, "busy"))
        verdict_set(answer, "directory-away", 451, "4.3.0", "Try again later");
    else if (starts(address, "slow"))
        verdict_set(answer, "too-fast", 421, "4.7.0", "Too fast");
    else if (starts(address, "drop"))
        verdict_set(answer, "blocked", 550, "5.7.1", "Blocked");
    answer->hang_up = starts(address, "drop");
    host->rewrite = starts(address, "rewrite") ? VIEW("moved@example.test") : VIEW_NONE;
}

static void take_ask(void *user, enum smtp_question question, const struct smtp_envelope *envelope,
                     const struct smtp_recipient *recipient, const struct smtp_content_facts *facts)
{
    struct session_host *host = user;
    ck_assert_int_eq(host->question, SMTP_ASK_NOTHING);
    ck_assert((recipient != NULL) == (question == SMTP_ASK_RECIPIENT));
    ck_assert((facts != NULL) == (question == SMTP_ASK_STORE));
    ck_assert_uint_ne(envelope->message, 0);
    host->question = question;
    verdict_pass(&host->answer, "test");
    if (question == SMTP_ASK_SENDER)
        decide_by_address(host, envelope->reverse_path.text);
    if (question == SMTP_ASK_RECIPIENT)
        decide_by_address(host, recipient->address.text);
    if (question == SMTP_ASK_CONTENT)
        host->in_content = true;
    if (question == SMTP_ASK_STORE) {
        ck_assert_uint_eq(facts->size, host->content.length);
        ck_assert(host->in_content);
        host->in_content = false;
        record_lines(host, "M: ", buffer_view(&host->content));
        buffer_clear(&host->content);
        for (size_t i = 0; i < envelope->recipient_count; i++)
            record(host, "H: for ", envelope->recipients[i].address.text);
        if (view_equal(facts->subject, VIEW("no-space")))
            verdict_set(&host->answer, "no-space", 452, "4.3.1", "Out of disk space");
    }
    if (question == SMTP_ASK_CONTENT && starts(envelope->reverse_path.text, "nocontent")) {
        verdict_set(&host->answer, "back-pressure", 452, "4.3.1", "Out of memory");
        host->in_content = false;
    }
    if (host->answers_later)
        return;
    host->question = SMTP_ASK_NOTHING;
    if (host->rewrite.data != NULL)
        smtp_session_rewrite_recipient(host->session, host->rewrite);
    smtp_session_answer(host->session, &host->answer);
}

static bool take_content(void *user, const char *data, size_t length, struct verdict *verdict)
{
    struct session_host *host = user;
    ck_assert(host->in_content);
    ck_assert_uint_gt(length, 0);
    buffer_append(&host->content, data, length);
    if (host->content_fails_after == 0 || host->content.length <= host->content_fails_after)
        return true;
    verdict_set(verdict, "no-space", 452, "4.3.1", "Out of disk space");
    return false;
}

static void take_abandoned(void *user)
{
    struct session_host *host = user;
    ck_assert(host->in_content);
    host->in_content = false;
    buffer_clear(&host->content);
    record(host, "H: ", VIEW("abandoned"));
}

static void take_refused(void *user, enum smtp_stage stage, const struct smtp_envelope *envelope,
                         struct view address, const struct verdict *verdict)
{
    static const char *const stages[] = {"connect", "command", "sender", "recipient", "content"};
    struct session_host *host = user;
    struct buffer line;
    ck_assert_ptr_nonnull(envelope);
    ck_assert_ptr_nonnull(address.data);
    ck_assert_int_ge(verdict->code, 400);
    buffer_init(&line, MAXIMUM);
    buffer_append_format(&line, "refused %s %s <%.*s>", stages[stage], verdict->rule,
                         (int)address.length, address.data);
    record(host, "H: ", buffer_view(&line));
    buffer_free(&line);
}

static void take_start_tls(void *user)
{
    record(user, "H: ", VIEW("start TLS"));
}

static void take_end(void *user)
{
    record(user, "H: ", VIEW("end"));
}

static ident new_message(void *user)
{
    struct session_host *host = user;
    return ++host->last_message;
}

static int64_t wall_clock(void *user)
{
    (void)user;
    return 1763982180; /* 2025-11-24 11:03:00 */
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

void session_host_init(struct session_host *host)
{
    *host = (struct session_host){
        .options = {.host_name = "mx.example.test",
                    .software = "Gatepost",
                    .message_size = 20000,
                    .recipients = 100,
                    .hop_count = 3,
                    .command_line = 512,
                    .text_line = 1000},
        .peer = {.address = "192.0.2.1"},
    };
    buffer_init(&host->input, MAXIMUM);
    buffer_init(&host->transcript, MAXIMUM);
    buffer_init(&host->content, MAXIMUM);
    verdict_pass(&host->greeting, "test");
    host->session = smtp_session_create(1000, &host->options, &host->peer, &table, host);
}

void session_host_free(struct session_host *host)
{
    smtp_session_destroy(host->session);
    buffer_free(&host->input);
    buffer_free(&host->transcript);
    buffer_free(&host->content);
}

void session_host_start(struct session_host *host)
{
    smtp_session_start(host->session, &host->greeting);
}

static void answer(struct session_host *host)
{
    host->question = SMTP_ASK_NOTHING;
    if (host->rewrite.data != NULL)
        smtp_session_rewrite_recipient(host->session, host->rewrite);
    smtp_session_answer(host->session, &host->answer);
}

void session_host_offer(struct session_host *host, const char *data, size_t length)
{
    buffer_append(&host->input, data, length);
    for (;;) {
        size_t used = 0;
        if (!smtp_session_is_waiting(host->session)) {
            used = smtp_session_input(host->session, host->input.data, host->input.length);
            ck_assert_uint_le(used, host->input.length);
            buffer_consume(&host->input, used);
            /* Nothing that was offered is ever left but the start of a line. */
            if (!smtp_session_is_waiting(host->session))
                ck_assert_uint_lt(host->input.length, host->options.command_line);
        }
        if (host->question != SMTP_ASK_NOTHING)
            answer(host);
        else if (used == 0)
            return;
    }
}

static void append_unescaped(struct buffer *buffer, struct view text)
{
    static const struct {
        const char *name;
        char byte;
    } names[] = {{"{CR}", '\r'}, {"{LF}", '\n'}, {"{NUL}", '\0'}};
    for (size_t i = 0; i < text.length;) {
        char byte = text.data[i];
        size_t size = 1;
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            if (!starts(view_from(text, i), names[k].name))
                continue;
            byte = names[k].byte;
            size = strlen(names[k].name);
        }
        buffer_append(buffer, &byte, 1);
        i += size;
    }
}

/* Takes the lines of one kind off the dialogue: those of the client, or all others. */
static void take_turn(struct view *dialogue, bool of_client, struct buffer *into)
{
    while (dialogue->length > 0) {
        size_t end = view_find(*dialogue, '\n');
        struct view line = view_first(*dialogue, end);
        bool is_client = ascii_lower(line.data[0]) == 'c';
        ck_assert_uint_ge(line.length, 3);
        if (is_client != of_client)
            return;
        if (is_client)
            append_unescaped(into, view_from(line, 3));
        else
            buffer_append_view(into, line);
        if (line.data[0] != 'c')
            buffer_append_text(into, is_client ? "\r\n" : "\n");
        *dialogue = view_from(*dialogue, end + 1);
    }
}

void session_host_read_dialogue(const char *dialogue, struct buffer *input, struct buffer *expected)
{
    struct view rest = view_of_text(dialogue);
    while (rest.length > 0) {
        take_turn(&rest, true, input);
        take_turn(&rest, false, expected);
    }
}

void session_host_play(struct session_host *host, const char *dialogue)
{
    struct view rest = view_of_text(dialogue);
    struct buffer input, expected;
    buffer_init(&input, MAXIMUM);
    buffer_init(&expected, MAXIMUM);
    while (rest.length > 0) {
        buffer_clear(&input);
        buffer_clear(&expected);
        take_turn(&rest, true, &input);
        take_turn(&rest, false, &expected);
        if (input.length > 0)
            session_host_offer(host, input.data, input.length);
        buffer_append_text(&expected, "");
        buffer_append_text(&host->transcript, "");
        ck_assert_str_eq(host->transcript.data, expected.data);
        buffer_clear(&host->transcript);
    }
    buffer_free(&input);
    buffer_free(&expected);
}

void session_host_run(struct session_host *host, const char *dialogue)
{
    session_host_start(host);
    session_host_play(host, dialogue);
    session_host_free(host);
}
