#include "smtp/session_state.h"

#include "smtp/command.h"
#include "smtp/reply.h"

static bool check_hello(struct smtp_session *session, struct view argument, struct verdict *refusal)
{
    (void)session;
    if (smtp_is_helo_name(argument))
        return true;
    verdict_set(refusal, "helo-syntax", 501, "5.5.4", "Invalid domain name");
    return false;
}

/* "FQDN Hello [192.0.2.1]" */
static void add_hello(struct smtp_session *session, struct smtp_reply *reply, bool more)
{
    smtp_reply_begin(reply, 250, more, "");
    smtp_reply_add_text(reply, session->options->host_name);
    smtp_reply_add(reply, VIEW(" Hello ["));
    smtp_reply_add_text(reply, session->peer->address);
    smtp_reply_add(reply, VIEW("]"));
    smtp_reply_end(reply);
}

static void add_extension(struct smtp_reply *reply, const char *keyword, bool more)
{
    smtp_reply_begin(reply, 250, more, "");
    smtp_reply_add_text(reply, keyword);
    smtp_reply_end(reply);
}

static void take_hello(struct smtp_session *session, bool extended)
{
    view_copy_text(session->argument, session->helo, sizeof session->helo);
    session->extended = extended;
    session_reset(session);
}

static void proceed_helo(struct smtp_session *session)
{
    struct smtp_reply reply;
    take_hello(session, false);
    smtp_reply_init(&reply);
    add_hello(session, &reply, false);
    session->host->send(session->user, reply.text, reply.length);
}

static void add_size(struct smtp_session *session, struct smtp_reply *reply)
{
    smtp_reply_begin(reply, 250, true, "");
    smtp_reply_add(reply, VIEW("SIZE"));
    if (session->options->message_size != 0) {
        smtp_reply_add(reply, VIEW(" "));
        smtp_reply_add_number(reply, session->options->message_size);
    }
    smtp_reply_end(reply);
}

static bool offers_starttls(const struct smtp_session *session)
{
    return session->options->offer_starttls && session->tls == NULL;
}

static void proceed_ehlo(struct smtp_session *session)
{
    struct smtp_reply reply;
    take_hello(session, true);
    smtp_reply_init(&reply);
    add_hello(session, &reply, true);
    add_size(session, &reply);
    add_extension(&reply, "8BITMIME", true);
    add_extension(&reply, "PIPELINING", true);
    add_extension(&reply, "ENHANCEDSTATUSCODES", true);
    add_extension(&reply, "CHUNKING", true);
    add_extension(&reply, "DSN", true);
    if (offers_starttls(session))
        add_extension(&reply, "STARTTLS", true);
    add_extension(&reply, "SMTPUTF8", false);
    session->host->send(session->user, reply.text, reply.length);
}

static bool check_starttls(struct smtp_session *session, struct view argument,
                           struct verdict *refusal)
{
    (void)argument;
    if (!session->options->offer_starttls) {
        verdict_set(refusal, "command-state", 502, "5.5.1", "STARTTLS is not available");
        return false;
    }
    if (session->tls != NULL || !session->extended) {
        verdict_set(refusal, "command-state", 503, session->tls != NULL ? "5.5.1" : "5.5.2", "%s",
                    session->tls != NULL ? "TLS is in use already" : "Send hello first");
        return false;
    }
    /* What comes in clear behind STARTTLS could have been put there by anybody on the way, to be taken for
     * the client's own words once the connection is encrypted. */
    if (session->bytes_behind_line > 0) {
        verdict_set(refusal, "starttls-pipelined", 554, "5.5.1", "Commands sent behind STARTTLS");
        refusal->hang_up = true;
        return false;
    }
    return true;
}

static void proceed_starttls(struct smtp_session *session)
{
    session_say(session, 220, "2.0.0", "SMTP server ready");
    session->mode = SESSION_TLS;
    session->host->start_tls(session->user);
}

static void proceed_rset(struct smtp_session *session)
{
    session_reset(session);
    session_say(session, 250, "2.0.0", "Resetting");
}

static void proceed_noop(struct smtp_session *session)
{
    session_say(session, 250, "2.0.0", "OK");
}

static void proceed_quit(struct smtp_session *session)
{
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, 221, false, "2.0.0");
    smtp_reply_add_text(&reply, session->options->host_name);
    smtp_reply_add(&reply, VIEW(" Service closing transmission channel"));
    smtp_reply_end(&reply);
    session->host->send(session->user, reply.text, reply.length);
    session_end(session);
}

/* "user", "<user>" or either with SMTPUTF8 behind it (RFC 6531 3.7.4.2). */
static bool check_vrfy(struct smtp_session *session, struct view argument, struct verdict *refusal)
{
    const struct view utf8_parameter = VIEW(" SMTPUTF8");
    bool smtputf8 = view_ends_with_nocase(argument, utf8_parameter);
    if (smtputf8)
        argument = view_trim(view_first(argument, argument.length - utf8_parameter.length));
    if (argument.length >= 2 && argument.data[0] == '<' &&
        argument.data[argument.length - 1] == '>')
        argument = view_first(view_from(argument, 1), argument.length - 2);
    session->argument = argument;
    if (view_is_empty(argument)) {
        verdict_set(refusal, "command-syntax", 501, "5.5.4", "Argument missing");
        return false;
    }
    if (smtputf8 ? view_is_utf8(argument) : view_is_ascii(argument))
        return true;
    verdict_set(refusal, "address-needs-utf8", 553, "5.6.7",
                "Address is not ASCII and SMTPUTF8 was not asked for");
    return false;
}

static void proceed_vrfy(struct smtp_session *session)
{
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, 252, false, "2.1.5");
    smtp_reply_add(&reply, VIEW("Cannot VRFY user, but will take message for <"));
    smtp_reply_add(&reply, view_first(session->argument, SMTP_PATH_MAXIMUM));
    smtp_reply_add(&reply, VIEW(">"));
    smtp_reply_end(&reply);
    session->host->send(session->user, reply.text, reply.length);
}

static void proceed_not_implemented(struct smtp_session *session)
{
    session_say(session, 502, "5.5.1", "Command is not implemented");
    session_count_error(session);
}

static void proceed_help(struct smtp_session *session);

static const struct session_verb verbs[] = {
    {"RCPT", true, false, SMTP_STAGE_RECIPIENT, session_check_rcpt, session_proceed_rcpt},
    {"MAIL", true, false, SMTP_STAGE_SENDER, session_check_mail, session_proceed_mail},
    {"DATA", false, false, SMTP_STAGE_CONTENT, session_check_data, session_proceed_data},
    {"BDAT", true, false, SMTP_STAGE_CONTENT, session_check_bdat, session_proceed_bdat},
    {"EHLO", true, true, SMTP_STAGE_COMMAND, check_hello, proceed_ehlo},
    {"HELO", true, true, SMTP_STAGE_COMMAND, check_hello, proceed_helo},
    {"STARTTLS", false, false, SMTP_STAGE_COMMAND, check_starttls, proceed_starttls},
    {"RSET", false, true, SMTP_STAGE_COMMAND, NULL, proceed_rset},
    {"NOOP", true, true, SMTP_STAGE_COMMAND, NULL, proceed_noop},
    {"QUIT", false, false, SMTP_STAGE_COMMAND, NULL, proceed_quit},
    {"VRFY", true, true, SMTP_STAGE_COMMAND, check_vrfy, proceed_vrfy},
    {"HELP", true, true, SMTP_STAGE_COMMAND, NULL, proceed_help},
    {"EXPN", true, true, SMTP_STAGE_COMMAND, NULL, proceed_not_implemented},
    {"ETRN", true, true, SMTP_STAGE_COMMAND, NULL, proceed_not_implemented},
    {"TURN", true, true, SMTP_STAGE_COMMAND, NULL, proceed_not_implemented},
    {"AUTH", true, true, SMTP_STAGE_COMMAND, NULL, proceed_not_implemented},
};

#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

static void proceed_help(struct smtp_session *session)
{
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, 214, true, "2.0.0");
    smtp_reply_add(&reply, VIEW("This server supports the following commands:"));
    smtp_reply_end(&reply);
    smtp_reply_begin(&reply, 214, false, "2.0.0");
    for (size_t i = 0; i < VERB_COUNT && verbs[i].proceed != proceed_not_implemented; i++) {
        if (verbs[i].proceed == proceed_starttls && !offers_starttls(session))
            continue;
        if (i > 0)
            smtp_reply_add(&reply, VIEW(" "));
        smtp_reply_add_text(&reply, verbs[i].name);
    }
    smtp_reply_end(&reply);
    session->host->send(session->user, reply.text, reply.length);
}

static const struct session_verb *find_verb(struct view name)
{
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (view_equal_nocase(name, view_of_text(verbs[i].name)))
            return &verbs[i];
    return NULL;
}

static bool check(struct smtp_session *session, const struct session_verb *verb,
                  struct view argument, struct verdict *refusal)
{
    if (verb == NULL) {
        verdict_set(refusal, "command-unknown", 500, "5.3.3", "Unrecognized command");
        return false;
    }
    if (!verb->takes_argument && !view_is_empty(argument)) {
        verdict_set(refusal, "command-syntax", 501, "5.5.4", "Invalid arguments");
        return false;
    }
    return verb->check == NULL || verb->check(session, argument, refusal);
}

void session_run_command(struct smtp_session *session, struct view line)
{
    struct view argument;
    struct verdict refusal;
    const struct session_verb *verb = find_verb(smtp_command_verb(view_trim(line), &argument));
    uint32_t limit = session->options->idle_commands;

    session->argument = argument;
    session->address = view_of("", 0);
    if (verb != NULL && verb->sends_no_mail && limit != 0 && ++session->idle_commands > limit) {
        session_give_up(session, "too-many-idle-commands", "4.7.0",
                        "Too many commands that send no mail");
        return;
    }
    if (check(session, verb, argument, &refusal)) {
        verb->proceed(session);
        return;
    }
    session_refuse(session, verb == NULL ? SMTP_STAGE_COMMAND : verb->stage, &refusal);
    /* DATA without recipients is no error: within a pipelined group the client cannot know. */
    if (refusal.code >= 500 && refusal.code != SMTP_NO_RECIPIENTS)
        session_count_error(session);
}
