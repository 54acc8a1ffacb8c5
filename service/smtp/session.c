#include "smtp/session_state.h"

#include "base/memory.h"
#include "smtp/reply.h"
#include "smtp/trace.h"

#define ARENA_BLOCK 2048 /* holds the envelope of an ordinary message */
#define SKIP_MAXIMUM                                                                               \
    65536 /* of a command line that has no end: enough for any mistake that is one */

struct smtp_session *smtp_session_create(ident id, const struct smtp_session_options *options,
                                         const struct smtp_peer *peer,
                                         const struct smtp_session_host *host, void *user)
{
    struct smtp_session *session = memory_allocate(1, sizeof *session);
    session->id = id;
    session->options = options;
    session->peer = peer;
    session->host = host;
    session->user = user;
    session->tls = peer->tls;
    session->address = view_of("", 0);
    session->line = memory_allocate(options->command_line, 1);
    session->arena = arena_create(ARENA_BLOCK);
    session_reset(session);
    return session;
}

void smtp_session_destroy(struct smtp_session *session)
{
    if (session == NULL)
        return;
    session_abandon_content(session);
    arena_destroy(session->arena);
    memory_free(session->recipients);
    memory_free(session->line);
    memory_free(session);
}

void session_reset(struct smtp_session *session)
{
    session_abandon_content(session);
    arena_reset(session->arena);
    session->in_transaction = false;
    session->chunks_begun = false;
    session->content_refused = false;
    session->rewritten = VIEW_NONE;
    session->envelope = (struct smtp_envelope){.helo = view_of_text(session->helo)};
}

static void send_reply(struct smtp_session *session, const struct smtp_reply *reply)
{
    session->host->send(session->user, reply->text, reply->length);
}

void session_say(struct smtp_session *session, int code, const char *enhanced, const char *text)
{
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, code, false, enhanced);
    smtp_reply_add_text(&reply, text);
    smtp_reply_end(&reply);
    send_reply(session, &reply);
}

/* A refusal that has to do with mail shows the identifier under which tracking and the log know it. */
void session_refuse(struct smtp_session *session, enum smtp_stage stage,
                    const struct verdict *verdict)
{
    bool is_last = verdict->hang_up || verdict->code == 421;
    if (stage == SMTP_STAGE_COMMAND && !is_last) {
        session_say(session, verdict->code, verdict->enhanced, verdict->text);
        return;
    }
    ident shown = session->envelope.message != 0 ? session->envelope.message : session->id;
    char id_text[IDENT_TEXT_SIZE];
    struct smtp_reply reply;

    ident_format(shown, id_text);
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, verdict->code, false, verdict->enhanced);
    smtp_reply_add_text(&reply, verdict->text);
    smtp_reply_add(&reply, VIEW(" (id "));
    smtp_reply_add_text(&reply, id_text);
    smtp_reply_add(&reply, VIEW(")"));
    smtp_reply_end(&reply);
    send_reply(session, &reply);
    session->host->refused(session->user, stage, &session->envelope, session->address, verdict);
    if (is_last)
        session_end(session);
}

void session_give_up(struct smtp_session *session, const char *rule, const char *enhanced,
                     const char *text)
{
    struct verdict verdict;
    session->address = view_of("", 0);
    verdict_set(&verdict, rule, 421, enhanced, "%s", text);
    session_refuse(session, SMTP_STAGE_COMMAND, &verdict);
}

void session_count_error(struct smtp_session *session)
{
    session->errors++;
    if (session->options->errors != 0 && session->errors > session->options->errors &&
        !session->ended)
        session_give_up(session, "too-many-errors", "4.7.0", "Too many errors");
}

void session_end(struct smtp_session *session)
{
    session_abandon_content(session);
    session->ended = true;
    session->host->end(session->user);
}

void smtp_session_start(struct smtp_session *session, const struct verdict *verdict)
{
    const struct smtp_session_options *options = session->options;
    struct verdict refusal = *verdict;
    char date[SMTP_DATE_SIZE];
    struct smtp_reply reply;

    session->started = true;
    if (session->talked_early)
        verdict_set(&refusal, "early-talker", 554, "5.5.1", "Client spoke before the greeting");
    if (refusal.kind != VERDICT_PASS) {
        refusal.hang_up = true;
        session_refuse(session, SMTP_STAGE_CONNECT, &refusal);
        return;
    }
    smtp_format_date(session->host->wall_clock(session->user), date);
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, 220, false, "");
    smtp_reply_add_text(&reply, options->host_name);
    smtp_reply_add(&reply, VIEW(" ESMTP "));
    smtp_reply_add_text(&reply, options->software);
    smtp_reply_add(&reply, VIEW(" ready at "));
    smtp_reply_add_text(&reply, date);
    smtp_reply_end(&reply);
    send_reply(session, &reply);
}

/* A shut-down takes effect between commands, and not between the parts of a message. */
static void settle(struct smtp_session *session)
{
    if (session->shutting_down && session->started && !session->ended &&
        session->mode == SESSION_COMMAND && session->question == SMTP_ASK_NOTHING &&
        !session->chunks_begun)
        session_give_up(session, "shut-down", "4.3.2", "Service is shutting down");
}

static void run_answer(struct smtp_session *session)
{
    enum smtp_question question = session->question;
    struct verdict verdict = session->answer;
    session->question = SMTP_ASK_NOTHING;
    session->is_answered = false;
    switch (question) {
    case SMTP_ASK_NOTHING:
        break;
    case SMTP_ASK_SENDER:
        session_answer_mail(session, &verdict);
        break;
    case SMTP_ASK_RECIPIENT:
        session_answer_rcpt(session, &verdict);
        break;
    case SMTP_ASK_CONTENT:
        session_answer_content(session, &verdict);
        break;
    case SMTP_ASK_STORE:
        session_answer_store(session, &verdict);
        break;
    }
}

void session_ask(struct smtp_session *session, enum smtp_question question)
{
    bool about_recipient = question == SMTP_ASK_RECIPIENT;
    bool about_message = question == SMTP_ASK_STORE;
    session->question = question;
    session->is_asking = true;
    session->host->ask(session->user, question, &session->envelope,
                       about_recipient ? &session->recipient : NULL,
                       about_message ? &session->facts : NULL);
    session->is_asking = false;
    if (session->is_answered)
        run_answer(session);
}

void smtp_session_answer(struct smtp_session *session, const struct verdict *verdict)
{
    if (session->question == SMTP_ASK_NOTHING || session->is_answered || session->ended)
        return;
    session->answer = *verdict;
    session->is_answered = true;
    if (session->is_asking)
        return;
    run_answer(session);
    settle(session);
}

static void refuse_line(struct smtp_session *session, const char *text)
{
    struct verdict refusal;
    verdict_set(&refusal, "command-syntax", 500, "5.5.2", "%s", text);
    session_refuse(session, SMTP_STAGE_COMMAND, &refusal);
    session_count_error(session);
}

static void skip_rest_of_line(struct smtp_session *session, bool ends_in_cr)
{
    session->mode = SESSION_SKIP;
    session->skipped = 0;
    session->skipped_ends_in_cr = ends_in_cr;
}

/* A line ends with CRLF. One that a bare LF seems to end is answered at once, so that whoever types into a
 * raw connection sees why, but what follows is part of it still: taken as a line of its own it could be a
 * command that somebody smuggled into an address. */
static size_t take_line(struct smtp_session *session, const char *data, size_t length)
{
    size_t limit = session->options->command_line;
    struct view input = view_first(view_of(data, length), limit);
    size_t end = view_find(input, '\n');

    if (end == input.length && length < limit)
        return 0;
    if (end == input.length) {
        skip_rest_of_line(session, data[end - 1] == '\r');
        refuse_line(session, "Line too long");
        return end;
    }
    if (end == 0 || data[end - 1] != '\r') {
        skip_rest_of_line(session, false);
        refuse_line(session, "Line does not end with CRLF");
        return end + 1;
    }
    struct view line = view_of(data, end - 1);
    if (view_find(line, '\r') < line.length || view_find(line, '\0') < line.length) {
        refuse_line(session, "Bare CR or NUL in command");
        return end + 1;
    }
    if (line.length > 0)
        memcpy(session->line, line.data, line.length);
    session->bytes_behind_line = length - (end + 1);
    session_run_command(session, view_of(session->line, line.length));
    return end + 1;
}

static size_t skip_line(struct smtp_session *session, const char *data, size_t length)
{
    size_t at = 0;
    while (at < length && session->mode == SESSION_SKIP) {
        at += view_find(view_of(data + at, length - at), '\n');
        if (at == length)
            break;
        if (at > 0 ? data[at - 1] == '\r' : session->skipped_ends_in_cr)
            session->mode = SESSION_COMMAND;
        at++;
    }
    session->skipped_ends_in_cr = data[at - 1] == '\r';
    session->skipped += at;
    if (session->skipped > SKIP_MAXIMUM)
        session_give_up(session, "command-syntax", "4.7.0", "Line has no end");
    return at;
}

static size_t take_input(struct smtp_session *session, const char *data, size_t length)
{
    switch (session->mode) {
    case SESSION_COMMAND:
        return take_line(session, data, length);
    case SESSION_SKIP:
        return skip_line(session, data, length);
    case SESSION_DATA:
        return session_read_data(session, data, length);
    case SESSION_CHUNK:
        return session_read_chunk(session, data, length);
    case SESSION_TLS:
        break;
    }
    return 0;
}

size_t smtp_session_input(struct smtp_session *session, const char *data, size_t length)
{
    size_t used = 0;
    if (!session->started) {
        session->talked_early = session->talked_early || length > 0;
        return length;
    }
    while (used < length && !smtp_session_is_waiting(session)) {
        size_t taken = take_input(session, data + used, length - used);
        if (taken == 0)
            break;
        used += taken;
        settle(session);
    }
    return session->ended ? length : used;
}

bool smtp_session_is_waiting(const struct smtp_session *session)
{
    return session->ended || session->question != SMTP_ASK_NOTHING || session->mode == SESSION_TLS;
}

bool smtp_session_has_ended(const struct smtp_session *session)
{
    return session->ended;
}

void smtp_session_rewrite_recipient(struct smtp_session *session, struct view address)
{
    session->rewritten = arena_copy_view(session->arena, address);
}

/* RFC 3207 4.2: what was said before the handshake counts no more. */
void smtp_session_tls_started(struct smtp_session *session, const char *description)
{
    if (session->mode != SESSION_TLS || session->ended)
        return;
    view_copy_text(view_of_text(description), session->tls_description,
                   sizeof session->tls_description);
    session->tls = session->tls_description;
    session->helo[0] = '\0';
    session->extended = false;
    session->mode = SESSION_COMMAND;
    session_reset(session);
    settle(session);
}

void smtp_session_time_out(struct smtp_session *session)
{
    if (session->ended)
        return;
    if (session->mode == SESSION_TLS || !session->started)
        session_end(session);
    else
        session_give_up(session, "time-out", "4.4.2", "Timeout waiting for client input");
}

void smtp_session_shut_down(struct smtp_session *session)
{
    session->shutting_down = true;
    if (!session->is_asking)
        settle(session);
}

void smtp_session_peer_closed(struct smtp_session *session)
{
    session_abandon_content(session);
    session->ended = true;
}

ident smtp_session_id(const struct smtp_session *session)
{
    return session->id;
}

const char *smtp_session_helo(const struct smtp_session *session)
{
    return session->helo;
}

uint32_t smtp_session_messages(const struct smtp_session *session)
{
    return session->messages;
}
