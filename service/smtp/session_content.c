#include "smtp/session_state.h"

#include "smtp/command.h"
#include "smtp/reply.h"
#include "smtp/trace.h"

void session_abandon_content(struct smtp_session *session)
{
    if (!session->content_is_open)
        return;
    session->content_is_open = false;
    session->host->content_abandoned(session->user);
}

/* From here on the rest of the message is read and dropped; refusal is the reply when it has ended. */
static void refuse_content(struct smtp_session *session)
{
    session->content_refused = true;
    session_abandon_content(session);
}

static void pass_to_host(void *user, const char *data, size_t length)
{
    struct smtp_session *session = user;
    if (session->content_refused || length == 0)
        return;
    session->facts.size += length;
    if (!session->host->content(session->user, data, length, &session->refusal))
        refuse_content(session);
}

/* How many more bytes of text the limits allow. */
static uint64_t room_for_text(const struct smtp_session *session)
{
    const struct smtp_session_options *options = session->options;
    uint64_t room = UINT64_MAX;
    if (options->message_size != 0)
        room = options->message_size - session->message_bytes;
    if (options->session_size != 0) {
        uint64_t in_session =
            options->session_size - session->content_bytes - session->message_bytes;
        room = in_session < room ? in_session : room;
    }
    return room;
}

static void refuse_size(struct smtp_session *session)
{
    const struct smtp_session_options *options = session->options;
    bool fits_another_session = session->message_bytes != options->message_size &&
                                session->message_bytes != options->session_size;
    if (fits_another_session)
        verdict_set(&session->refusal, "session-size", 421, "4.7.0",
                    "Too much mail in one session");
    else
        verdict_set(&session->refusal, "message-size", 552, "5.3.4",
                    "Message size exceeds fixed maximum message size");
    refuse_content(session);
}

/* What the reader has made of the input. */
static void take_text(void *user, const char *data, size_t length)
{
    struct smtp_session *session = user;
    if (session->content_refused)
        return;
    uint64_t room = room_for_text(session);
    size_t taken = length < room ? length : (size_t)room;
    session->message_bytes += taken;
    if (session->header.state == SMTP_HEADER_CLOSED)
        pass_to_host(session, data, taken);
    else
        smtp_header_scan(&session->header, data, taken);
    if (session->content_refused)
        return;
    if (session->facts.received_lines > session->options->hop_count) {
        verdict_set(&session->refusal, "hop-count", 554, "5.4.6",
                    "Hop count exceeded - possible mail loop");
        refuse_content(session);
    } else if (taken < length) {
        refuse_size(session);
    }
}

static void check_fault(struct smtp_session *session)
{
    struct verdict *refusal = &session->refusal;
    if (session->content_refused)
        return;
    switch (session->reader.fault) {
    case SMTP_CONTENT_GOOD:
        return;
    case SMTP_CONTENT_BARE_LINE_END:
        verdict_set(refusal, "bare-line-end", 550, "5.6.11", "Message contains bare CR or LF");
        break;
    case SMTP_CONTENT_NUL:
        verdict_set(refusal, "nul-in-content", 550, "5.6.11", "Message contains NUL");
        break;
    case SMTP_CONTENT_LONG_LINE:
        verdict_set(refusal, "line-length", 554, "5.6.0",
                    "Message contains a line that is too long");
        break;
    }
    refuse_content(session);
}

static void add_received(struct smtp_session *session, int64_t now)
{
    const struct smtp_envelope *envelope = &session->envelope;
    char message[IDENT_TEXT_SIZE];
    char text[SMTP_RECEIVED_SIZE];
    struct smtp_trace trace = {
        .helo = session->helo,
        .peer_address = session->peer->address,
        .host_name = session->options->host_name,
        .software = session->options->software,
        .tls = session->tls,
        .extended = session->extended,
        .authenticated = session->peer->user != NULL,
        .smtputf8 = envelope->smtputf8,
        .message = message,
        .time = now,
    };
    ident_format(envelope->message, message);
    if (envelope->recipient_count == 1)
        trace.recipient = envelope->recipients[0].address.text;
    pass_to_host(session, text, smtp_format_received(&trace, text));
}

static void begin_header(struct smtp_session *session, int64_t now)
{
    struct smtp_header_scanner *header = &session->header;
    header->arena = session->arena;
    header->facts = &session->facts;
    header->message_id = NULL;
    header->date = NULL;
    header->emit = pass_to_host;
    header->user = session;
    /* Others' mail is not ours to complete: who leaves these out shall be seen to leave them out. */
    if (session->peer->trusted || session->peer->user != NULL) {
        char message[IDENT_TEXT_SIZE], date[SMTP_DATE_SIZE];
        ident_format(session->envelope.message, message);
        smtp_format_date(now, date);
        header->message_id =
            arena_format(session->arena, "<%s@%s>", message, session->options->host_name);
        header->date = arena_copy_text(session->arena, view_of_text(date));
    }
    smtp_header_begin(header);
}

static void begin_content(struct smtp_session *session)
{
    int64_t now = session->host->wall_clock(session->user);
    session->facts = (struct smtp_content_facts){0};
    session->message_bytes = 0;
    session->content_is_open = true;
    session->reader.dot_stuffed = !session->by_chunks;
    session->reader.convert_bare_line_ends = session->options->convert_bare_line_ends;
    session->reader.line_maximum = session->options->text_line;
    session->reader.emit = take_text;
    session->reader.user = session;
    smtp_content_begin(&session->reader);
    begin_header(session, now);
    add_received(session, now);
}

static void fail_content(struct smtp_session *session)
{
    struct verdict refusal = session->refusal;
    session_refuse(session, SMTP_STAGE_CONTENT, &refusal);
    session_reset(session);
}

static void end_content(struct smtp_session *session)
{
    session->mode = SESSION_COMMAND;
    session->chunks_begun = false;
    session->content_bytes += session->received_bytes;
    session->received_bytes = 0;
    if (!session->content_refused)
        smtp_header_finish(&session->header);
    if (session->content_refused) {
        fail_content(session);
        return;
    }
    session->content_is_open = false;
    session_ask(session, SMTP_ASK_STORE);
}

static bool check_recipients(struct smtp_session *session, struct verdict *refusal)
{
    if (!session->in_transaction) {
        verdict_set(refusal, "command-state", SMTP_BAD_SEQUENCE, "5.5.2", "%s",
                    session->helo[0] == '\0' ? "Send hello first" : "Need mail command");
        return false;
    }
    if (session->envelope.recipient_count == 0) {
        verdict_set(refusal, "no-recipients", SMTP_NO_RECIPIENTS, "5.5.1", "No valid recipients");
        return false;
    }
    return true;
}

bool session_check_data(struct smtp_session *session, struct view argument, struct verdict *refusal)
{
    (void)argument;
    if (session->chunks_begun) {
        verdict_set(refusal, "command-state", 503, "5.5.1", "DATA cannot follow BDAT");
        return false;
    }
    return check_recipients(session, refusal);
}

void session_proceed_data(struct smtp_session *session)
{
    session->by_chunks = false;
    session_ask(session, SMTP_ASK_CONTENT);
}

bool session_check_bdat(struct smtp_session *session, struct view argument, struct verdict *refusal)
{
    if (smtp_parse_bdat(argument, &session->chunk_size, &session->chunk_is_last))
        return true;
    /* Where the chunk ends nobody can know, so whatever comes next must not be taken for commands. */
    verdict_set(refusal, "command-syntax", 501, "5.5.4", "Invalid arguments");
    refusal->hang_up = true;
    return false;
}

static void end_chunk(struct smtp_session *session)
{
    struct smtp_reply reply;
    session->mode = SESSION_COMMAND;
    if (session->chunk_is_last && !session->content_refused) {
        smtp_content_finish(&session->reader);
        check_fault(session);
    }
    if (session->content_refused || session->chunk_is_last) {
        bool is_error = session->content_refused && session->refusal.code == SMTP_BAD_SEQUENCE;
        end_content(session);
        if (is_error)
            session_count_error(session);
        return;
    }
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, 250, false, "2.6.0");
    smtp_reply_add(&reply, VIEW("CHUNK received OK, "));
    smtp_reply_add_number(&reply, session->chunk_size);
    smtp_reply_add(&reply, VIEW(" octets"));
    smtp_reply_end(&reply);
    session->host->send(session->user, reply.text, reply.length);
}

static void begin_chunk(struct smtp_session *session)
{
    session->mode = SESSION_CHUNK;
    session->chunk_left = session->chunk_size;
    if (session->chunk_left == 0)
        end_chunk(session);
}

/* RFC 3030 2: the chunk is read even where it cannot be taken, and only then answered. */
void session_proceed_bdat(struct smtp_session *session)
{
    session->by_chunks = true;
    if (session->chunks_begun) {
        begin_chunk(session);
    } else if (check_recipients(session, &session->refusal)) {
        session_ask(session, SMTP_ASK_CONTENT);
    } else {
        session->content_refused = true;
        begin_chunk(session);
    }
}

void session_answer_content(struct smtp_session *session, const struct verdict *verdict)
{
    session->refusal = *verdict;
    session->content_refused = verdict->kind != VERDICT_PASS;
    if (!session->content_refused)
        begin_content(session);
    if (session->by_chunks) {
        session->chunks_begun = !session->content_refused;
        begin_chunk(session);
    } else if (verdict->kind != VERDICT_PASS) {
        fail_content(session);
    } else {
        session->mode = SESSION_DATA;
        session_say(session, 354, "", "Start mail input; end with <CRLF>.<CRLF>");
    }
}

size_t session_read_data(struct smtp_session *session, const char *data, size_t length)
{
    bool ended;
    size_t taken = smtp_content_read(&session->reader, data, length, &ended);
    session->received_bytes += taken;
    check_fault(session);
    if (ended)
        end_content(session);
    return taken;
}

size_t session_read_chunk(struct smtp_session *session, const char *data, size_t length)
{
    size_t taken = length < session->chunk_left ? length : (size_t)session->chunk_left;
    bool ended;
    if (!session->content_refused) {
        smtp_content_read(&session->reader, data, taken, &ended);
        check_fault(session);
    }
    session->received_bytes += taken;
    session->chunk_left -= taken;
    if (session->chunk_left == 0)
        end_chunk(session);
    return taken;
}

static bool is_showable(const struct smtp_session *session, struct view message_id)
{
    const size_t longest = 300; /* so that the identifier behind it is never cut off */
    if (view_is_empty(message_id) || message_id.length > longest)
        return false;
    return view_is_ascii(message_id) || (session->envelope.smtputf8 && view_is_utf8(message_id));
}

void session_answer_store(struct smtp_session *session, const struct verdict *verdict)
{
    char id_text[IDENT_TEXT_SIZE];
    struct smtp_reply reply;
    if (verdict->kind != VERDICT_PASS) {
        session_refuse(session, SMTP_STAGE_CONTENT, verdict);
        session_reset(session);
        return;
    }
    ident_format(session->envelope.message, id_text);
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, 250, false, "2.6.0");
    if (is_showable(session, session->facts.message_id)) {
        smtp_reply_add(&reply, session->facts.message_id);
        smtp_reply_add(&reply, VIEW(" "));
    }
    smtp_reply_add(&reply, VIEW("Queued mail for delivery (id "));
    smtp_reply_add_text(&reply, id_text);
    smtp_reply_add(&reply, VIEW(")"));
    smtp_reply_end(&reply);
    session->host->send(session->user, reply.text, reply.length);
    session->messages++;
    session->idle_commands = 0;
    session_reset(session);
}
