#include "smtp/header.h"

void smtp_header_begin(struct smtp_header_scanner *scanner)
{
    scanner->state = SMTP_HEADER_LINE_START;
    scanner->has_fields = false;
    scanner->has_date = false;
    scanner->held_length = 0;
    scanner->noting = NULL;
    scanner->value_length = 0;
}

static void emit_text(struct smtp_header_scanner *scanner, const char *text)
{
    scanner->emit(scanner->user, text, strlen(text));
}

static void emit_held(struct smtp_header_scanner *scanner)
{
    if (scanner->held_length > 0)
        scanner->emit(scanner->user, scanner->held, scanner->held_length);
    scanner->held_length = 0;
}

/* What stands between the angle brackets of a Message-ID field, or all of a malformed one. */
static struct view message_id_of(struct view value)
{
    size_t start = view_find(value, '<');
    size_t length = view_find(view_from(value, start), '>') + 1;
    return start + length <= value.length ? view_first(view_from(value, start), length) : value;
}

static void finish_value(struct smtp_header_scanner *scanner)
{
    if (scanner->noting == NULL)
        return;
    struct view value = view_of(scanner->value, scanner->value_length);
    value = view_trim(view_from(value, 1)); /* behind the colon */
    if (scanner->noting == &scanner->facts->message_id)
        value = message_id_of(value);
    *scanner->noting = arena_copy_view(scanner->arena, value);
    scanner->noting = NULL;
}

static void begin_value(struct smtp_header_scanner *scanner, struct view name)
{
    struct smtp_content_facts *facts = scanner->facts;
    struct view *target = NULL;
    if (view_equal_nocase(name, VIEW("Received")))
        facts->received_lines++;
    else if (view_equal_nocase(name, VIEW("Date")))
        scanner->has_date = true;
    else if (view_equal_nocase(name, VIEW("Message-ID")))
        target = &facts->message_id;
    else if (view_equal_nocase(name, VIEW("Subject")))
        target = &facts->subject;
    else if (view_equal_nocase(name, VIEW("From")))
        target = &facts->from;

    /* A field that stands twice counts the first time. */
    scanner->noting = target != NULL && target->data == NULL ? target : NULL;
    scanner->value_length = 0;
    scanner->has_fields = true;
    scanner->state = SMTP_HEADER_VALUE;
}

static void add_missing(struct smtp_header_scanner *scanner)
{
    struct view *message_id = &scanner->facts->message_id;
    if (scanner->date != NULL && !scanner->has_date) {
        emit_text(scanner, "Date: ");
        emit_text(scanner, scanner->date);
        emit_text(scanner, "\r\n");
    }
    if (scanner->message_id != NULL && message_id->data == NULL) {
        emit_text(scanner, "Message-ID: ");
        emit_text(scanner, scanner->message_id);
        emit_text(scanner, "\r\n");
        *message_id = arena_copy_view(scanner->arena, view_of_text(scanner->message_id));
    }
}

static void close_section(struct smtp_header_scanner *scanner)
{
    finish_value(scanner);
    add_missing(scanner);
    scanner->state = SMTP_HEADER_CLOSED;
}

/* The present line, of which nothing was emitted yet, is no field. */
static void close_before_line(struct smtp_header_scanner *scanner)
{
    close_section(scanner);
    emit_text(scanner, "\r\n");
    emit_held(scanner);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* RFC 5322 2.2 */
static bool is_name_text(char byte)
{
    return byte > ' ' && byte <= '~' && byte != ':';
}

static bool hold(struct smtp_header_scanner *scanner, char byte)
{
    if (scanner->held_length == sizeof scanner->held)
        return false;
    scanner->held[scanner->held_length++] = byte;
    return true;
}

/* The first byte of a line. Returns how many bytes were taken, 0 or 1. */
static size_t start_line(struct smtp_header_scanner *scanner, char byte)
{
    if (is_blank(byte) && scanner->has_fields) {
        scanner->state = SMTP_HEADER_VALUE;
        return 0;
    }
    finish_value(scanner);
    if (byte == '\r') {
        scanner->state = SMTP_HEADER_EMPTY_LINE;
        return 1;
    }
    if (!is_name_text(byte)) {
        close_before_line(scanner);
        return 0;
    }
    scanner->state = SMTP_HEADER_NAME;
    return hold(scanner, byte);
}

/* A byte of the name, of the blanks that old programs put behind it (RFC 5322 4.5), or the colon. */
static size_t read_name(struct smtp_header_scanner *scanner, char byte)
{
    bool in_name = scanner->state == SMTP_HEADER_NAME;
    if (byte == ':') {
        struct view name = view_trim(view_of(scanner->held, scanner->held_length));
        emit_held(scanner);
        begin_value(scanner, name);
        return 0;
    }
    if (is_blank(byte))
        scanner->state = SMTP_HEADER_NAME_BLANKS;
    else if (!in_name || !is_name_text(byte))
        scanner->state = SMTP_HEADER_CLOSED;
    if (scanner->state != SMTP_HEADER_CLOSED && hold(scanner, byte))
        return 1;
    close_before_line(scanner);
    return 0;
}

static void note(struct smtp_header_scanner *scanner, const char *data, size_t length)
{
    size_t room = sizeof scanner->value - scanner->value_length;
    if (scanner->noting == NULL)
        return;
    if (length > room)
        length = room;
    memcpy(scanner->value + scanner->value_length, data, length);
    scanner->value_length += length;
}

/* Everything up to the end of the line, with the colon in front and the line end behind. */
static size_t read_value(struct smtp_header_scanner *scanner, const char *data, size_t length)
{
    struct view text = view_of(data, length);
    size_t end = view_find(text, '\n');
    size_t taken = end < length ? end + 1 : length;
    struct view value = view_first(text, view_find(view_first(text, end), '\r'));
    note(scanner, value.data, value.length);
    scanner->emit(scanner->user, data, taken);
    if (end < length)
        scanner->state = SMTP_HEADER_LINE_START;
    return taken;
}

void smtp_header_scan(struct smtp_header_scanner *scanner, const char *data, size_t length)
{
    size_t at = 0;
    while (at < length) {
        switch (scanner->state) {
        case SMTP_HEADER_LINE_START:
            at += start_line(scanner, data[at]);
            break;
        case SMTP_HEADER_NAME:
        case SMTP_HEADER_NAME_BLANKS:
            at += read_name(scanner, data[at]);
            break;
        case SMTP_HEADER_VALUE:
            at += read_value(scanner, data + at, length - at);
            break;
        case SMTP_HEADER_EMPTY_LINE:
            close_section(scanner);
            emit_text(scanner, "\r\n");
            at++;
            break;
        case SMTP_HEADER_CLOSED:
            scanner->emit(scanner->user, data + at, length - at);
            return;
        }
    }
}

void smtp_header_finish(struct smtp_header_scanner *scanner)
{
    if (scanner->state != SMTP_HEADER_CLOSED)
        close_section(scanner);
}
