/*
 * May this recipient be taken? The rules stand in one table, in order; the first that decides ends the
 * walk. Each of them either fills the verdict and returns true, or returns false; and it says why, in a
 * sentence, which is written only when somebody wants to read it. When a live answer is needed first, the walk
 * ends too, without a verdict; with the answer it is gone again from its beginning.
 */
#include "policy/compiled.h"

#include <stdarg.h>
#include <string.h>

#define SENTENCE_MAXIMUM 1024

/* Where the reply has room for an address, so that a long one does not push out the rest. */
#define SHOWN_ADDRESS_MAXIMUM 160

struct question {
    const struct policy *policy;
    const struct policy_sources *sources;
    const struct policy_client *client;
    struct view recipient;
    struct directory_key key;   /* of the recipient; not set for "postmaster" alone */
    struct directory_key plain; /* without its detail; set when that is looked up */
    const struct policy_live *live;
    enum policy_asks asks;
    enum policy_live_slot slot; /* what is to be asked about */
    bool is_postmaster_alone;
    const struct settings_accepted_domain *domain; /* NULL when it is not accepted */
    struct view delivered_to;
    struct verdict *verdict;
    char *sentence; /* SENTENCE_MAXIMUM bytes, or NULL when nobody reads it */
};

static void say(struct question *question, const char *format, ...) FORMAT_LIKE_PRINTF(2, 3);

static void say(struct question *question, const char *format, ...)
{
    if (question->sentence == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(question->sentence, SENTENCE_MAXIMUM, format, arguments);
    va_end(arguments);
}

/* For "%.*s". */
#define SHOW(view) (int)(view).length, (view).data

static struct view domain_text(const struct question *question)
{
    const struct directory_key *key = &question->key;
    return view_from(view_of(key->text, key->length), key->local_length + 1);
}

static bool pass(struct question *question, const char *rule)
{
    verdict_pass(question->verdict, rule);
    return true;
}

static bool refuse_relay(struct question *question, const char *rule)
{
    char shown[SHOWN_ADDRESS_MAXIMUM];
    view_copy_text(question->recipient, shown, sizeof shown);
    verdict_set(question->verdict, rule, 550, "5.7.1", "Unable to relay for %s", shown);
    return true;
}

/* The session has checked it already; `recipient explain` may ask about anything. */
static bool decide_address(struct question *question)
{
    struct error error;
    question->is_postmaster_alone = view_equal_nocase(question->recipient, VIEW("postmaster"));
    if (question->is_postmaster_alone) {
        say(question, "The recipient is postmaster without a domain.");
        return false;
    }
    if (!directory_key_make(question->recipient, &question->key, &error)) {
        say(question, "This is not a mail address: %s.", error.text);
        verdict_set(question->verdict, "address-malformed", 501, "5.1.3", "Bad recipient address");
        return true;
    }
    question->domain = domain_table_find(question->policy->domains, domain_text(question));
    say(question, "%.*s is a well-formed address.", SHOW(question->recipient));
    return false;
}

/* RFC 5321 4.5.1: always, whatever the lists say. */
static bool decide_postmaster(struct question *question)
{
    const struct directory_key *key = &question->key;
    const char *mailbox = question->policy->postmaster;
    if (!question->is_postmaster_alone &&
        (question->domain == NULL ||
         !view_equal(view_of(key->text, key->local_length), VIEW("postmaster")))) {
        say(question, "The recipient is not postmaster of this server or of an accepted domain.");
        return false;
    }
    if (mailbox == NULL) {
        say(question,
            "There is no mailbox for postmaster: none is set, and no domain is accepted.");
        verdict_set(question->verdict, "postmaster", 451, "4.3.5",
                    "There is no mailbox for postmaster yet, try again later");
        return true;
    }
    say(question, "Mail for postmaster is always accepted and goes to %s.", mailbox);
    question->delivered_to = view_of_text(mailbox);
    return pass(question, "postmaster");
}

static bool is_own_client(const struct policy_client *client)
{
    return client->trusted || client->authenticated;
}

static bool decide_domain(struct question *question)
{
    struct view domain = domain_text(question);
    const char *smart_host = question->policy->settings->values.outbound.smart_host;
    if (question->domain != NULL) {
        bool relay = question->domain->type == DOMAIN_RELAY;
        say(question, "%.*s is an %s domain.", SHOW(domain),
            relay ? "accepted relay" : "authoritative accepted");
        return false;
    }
    if (!is_own_client(question->client)) {
        say(question,
            "%.*s is not an accepted domain, and the client is neither a trusted host nor "
            "authenticated.",
            SHOW(domain));
        return refuse_relay(question, "relay-denied");
    }
    if (smart_host[0] == '\0') {
        say(question, "%.*s is not an accepted domain, and there is no smart host to pass it to.",
            SHOW(domain));
        return refuse_relay(question, "no-route");
    }
    say(question, "%.*s is not an accepted domain; the client may send anywhere, by smart host %s.",
        SHOW(domain), smart_host);
    return pass(question, "relay-allowed");
}

static bool decide_client(struct question *question)
{
    const struct policy_client *client = question->client;
    if (!is_own_client(client)) {
        say(question, "The client is a stranger: neither a trusted host nor authenticated.");
        return false;
    }
    say(question, "The client is %s: its recipients are not filtered.",
        client->authenticated ? "authenticated" : "a trusted host");
    return pass(question, client->authenticated ? "client-authenticated" : "client-trusted");
}

/* "user+detail@domain" as "user@domain". False when there is no detail. */
static bool without_detail(const struct question *question, struct directory_key *plain)
{
    const struct directory_key *key = &question->key;
    char separator = question->policy->settings->values.recipient_filter.detail_separator[0];
    if (separator == '\0')
        return false;
    /* From the second character on: a local part that begins with the separator has no user. */
    struct view behind_first = view_from(view_of(key->text, key->local_length), 1);
    size_t end = 1 + view_find(behind_first, separator);
    if (end == key->local_length)
        return false;
    size_t rest = key->length - key->local_length;
    memcpy(plain->text, key->text, end);
    memcpy(plain->text + end, key->text + key->local_length, rest);
    plain->local_length = end;
    plain->length = end + rest;
    return true;
}

static bool decide_blocked(struct question *question)
{
    const struct blocked_list *list = question->policy->blocked;
    struct directory_key plain;
    if (!question->client->recipient_filter) {
        say(question, "The address that the client is connected to does not apply the list of "
                      "blocked recipients.");
        return false;
    }
    const char *pattern = blocked_list_match(list, &question->key);
    if (pattern == NULL && without_detail(question, &plain))
        pattern = blocked_list_match(list, &plain);
    if (pattern == NULL) {
        say(question, "%.*s is not in the list of blocked recipients.", SHOW(question->recipient));
        return false;
    }
    say(question, "%.*s is in the list of blocked recipients, as %s.", SHOW(question->recipient),
        pattern);
    verdict_set(question->verdict, "recipient-blocked", 550, "5.7.1",
                "Requested action not taken: mailbox not available");
    return true;
}

static bool decide_relay_domain(struct question *question)
{
    struct view domain = domain_text(question);
    if (question->domain->recipients == RECIPIENTS_BY_CALLOUT) {
        say(question, "For %.*s the next hop decides who exists, and is asked.", SHOW(domain));
        return false;
    }
    if (question->domain->type != DOMAIN_RELAY) {
        say(question, "For %.*s the directory decides who exists.", SHOW(domain));
        return false;
    }
    say(question, "For %.*s the next hop decides who exists.", SHOW(domain));
    return pass(question, "domain-relay");
}

static bool decide_filter(struct question *question)
{
    if (!question->client->recipient_filter) {
        say(question, "The address that the client is connected to does not apply the recipient "
                      "filter.");
        return pass(question, "filter-not-applied");
    }
    if (!question->policy->settings->values.recipient_filter.refuse_unknown) {
        say(question, "Filtering of recipients who are not in the directory is off.");
        return pass(question, "filter-not-applied");
    }
    say(question, "Recipients who are not in the directory are filtered.");
    return false;
}

/* What the directory, in memory or live, has found. */
struct finding {
    enum directory_answer answer;
    bool restricted;
    const char *rule;               /* NULL: the usual one */
    const struct live_answer *live; /* NULL: it is from memory */
};

static void say_entry(struct question *question, const struct directory_entry *entry)
{
    bool is_local = strcmp(entry->source, "local list") == 0;
    say(question, "%.*s is in the %s%s%s%s%.*s%s%s.", SHOW(entry->address),
        is_local ? "" : "directory \"", entry->source, is_local ? "" : "\"",
        view_is_empty(entry->display_name) ? "" : " (", SHOW(entry->display_name),
        view_is_empty(entry->display_name) ? "" : ")",
        entry->restricted ? ", but takes mail from authenticated senders only" : "");
}

static bool must_ask(const struct question *question, const struct directory_key *key)
{
    const struct live_source *directory = question->sources->directory;
    return directory != NULL &&
           (directory->must_ask == NULL ||
            directory->must_ask(directory->source, view_of(key->text, key->length)));
}

static void take_live_answer(struct question *question, const struct directory_key *key,
                             const struct live_answer *live, struct finding *finding)
{
    static const enum directory_answer answers[] = {[LIVE_YES] = DIRECTORY_PRESENT,
                                                    [LIVE_NO] = DIRECTORY_ABSENT,
                                                    [LIVE_CANNOT_SAY] = DIRECTORY_UNKNOWN};
    static const char *const sentences[] = {
        [LIVE_YES] = "it is there", [LIVE_NO] = "it is not there", [LIVE_CANNOT_SAY] = "no answer"};
    *finding = (struct finding){.answer = answers[live->said],
                                .restricted = live->restricted,
                                .rule = live->rule,
                                .live = live};
    say(question,
        "%.*s is not in the directory as it was known last, which is too long ago to decide. It "
        "was "
        "asked now: %s%s.",
        (int)key->length, key->text, live->reason[0] != '\0' ? live->reason : sentences[live->said],
        live->restricted ? ", but takes mail from authenticated senders only" : "");
}

/* NULL when it has to be asked for. Whoever explains has asked before, if he could. */
static const struct live_answer *live_answer(const struct question *question,
                                             enum policy_live_slot slot)
{
    static const struct live_answer not_asked = {.said = LIVE_CANNOT_SAY};
    if ((question->live->known & 1u << slot) != 0)
        return &question->live->answers[slot];
    return question->sentence != NULL ? &not_asked : NULL;
}

/* False when the directory has to be asked first. */
static bool find(struct question *question, const struct directory_key *key,
                 enum policy_live_slot slot, struct finding *finding)
{
    struct directory_entry entry;
    enum directory_answer answer = directory_find_key(question->sources->reader, key, &entry);
    if (answer != DIRECTORY_PRESENT && must_ask(question, key)) {
        const struct live_answer *live = live_answer(question, slot);
        if (live != NULL)
            take_live_answer(question, key, live, finding);
        question->slot = slot;
        return live != NULL;
    }
    *finding = (struct finding){.answer = answer};
    if (answer == DIRECTORY_PRESENT) {
        finding->restricted = entry.restricted;
        say_entry(question, &entry);
    }
    return true;
}

static bool ask_directory(struct question *question)
{
    question->asks = POLICY_ASK_DIRECTORY;
    return true;
}

static bool refuse_unknown(struct question *question, const struct finding *finding,
                           bool has_detail)
{
    const char *reply = finding->live != NULL && finding->live->reply[0] != '\0'
                            ? finding->live->reply
                            : "User unknown";
    if (finding->live == NULL)
        say(question, "%.*s is not in the directory%s.", SHOW(question->recipient),
            has_detail ? ", nor is it without its detail" : "");
    verdict_set(question->verdict, finding->rule != NULL ? finding->rule : "recipient-unknown", 550,
                "5.1.1", "%s", reply);
    return true;
}

static bool refuse_unauthenticated(struct question *question)
{
    verdict_set(question->verdict, "sender-not-authenticated", 550, "5.7.1",
                "Not authorized: only authenticated senders may write to this recipient");
    return true;
}

static bool not_now(struct question *question, const struct finding *finding)
{
    if (finding->live == NULL)
        say(question,
            "The directory has no list of recipients yet, so nobody can say whether "
            "%.*s exists.",
            SHOW(question->recipient));
    verdict_set(question->verdict, finding->rule != NULL ? finding->rule : "directory-unavailable",
                451, "4.3.0", "Recipient cannot be checked now, try again later");
    return true;
}

static bool decide_directory(struct question *question)
{
    struct directory_key *plain = &question->plain;
    struct finding finding;
    if (!find(question, &question->key, POLICY_LIVE_ADDRESS, &finding))
        return ask_directory(question);
    bool has_detail = finding.answer == DIRECTORY_ABSENT && without_detail(question, plain);
    if (has_detail && !find(question, plain, POLICY_LIVE_PLAIN, &finding))
        return ask_directory(question);
    switch (finding.answer) {
    case DIRECTORY_PRESENT:
        return finding.restricted
                   ? refuse_unauthenticated(question)
                   : pass(question, finding.rule != NULL ? finding.rule : "recipient-known");
    case DIRECTORY_ABSENT:
        return refuse_unknown(question, &finding, has_detail);
    case DIRECTORY_UNKNOWN:
    default:
        return not_now(question, &finding);
    }
}

static bool refuse_by_callout(struct question *question, const struct live_answer *live)
{
    if (live->said == LIVE_NO)
        verdict_set(question->verdict, "callout-refused", 550, "5.1.1", "%s",
                    live->reply[0] != '\0' ? live->reply : "User unknown");
    else
        verdict_set(question->verdict, "callout-unavailable", 451, "4.4.3",
                    "Recipient cannot be checked now, try again later");
    return true;
}

static bool decide_callout(struct question *question)
{
    static const struct live_answer nobody_to_ask = {.said = LIVE_CANNOT_SAY};
    const struct live_answer *live = &nobody_to_ask;
    if (question->domain->recipients != RECIPIENTS_BY_CALLOUT) {
        say(question, "The next hop is not asked who exists.");
        return false;
    }
    if (question->sources->callout != NULL)
        live = live_answer(question, POLICY_LIVE_CALLOUT);
    if (live == NULL) {
        question->asks = POLICY_ASK_CALLOUT;
        question->slot = POLICY_LIVE_CALLOUT;
        return true;
    }
    say(question, "The next hop was asked for %.*s: %s%s%s.", SHOW(question->recipient),
        live->reason[0] != '\0' ? live->reason : "no answer", live->reply[0] != '\0' ? ": " : "",
        live->reply);
    if (live->said != LIVE_YES)
        return refuse_by_callout(question, live);
    return pass(question, live->rule != NULL ? live->rule : "callout-accepted");
}

static const struct rule {
    const char *name; /* shown where the rule does not decide; the verdict names its own */
    bool (*decide)(struct question *question);
} rules[] = {
    {"address", decide_address},
    {"postmaster", decide_postmaster},
    {"accepted-domain", decide_domain},
    {"client", decide_client},
    {"blocked-recipients", decide_blocked},
    {"relay-domain", decide_relay_domain},
    {"recipient-filter", decide_filter},
    {"call-out", decide_callout},
    {"directory", decide_directory}, /* always decides */
};

struct listener {
    void (*step)(void *user, const struct policy_step *step);
    void *user;
};

static void tell(const struct listener *listener, const struct question *question,
                 const struct rule *rule, bool decided)
{
    const char *name = decided ? question->verdict->rule : rule->name;
    struct policy_step step = {name, decided, question->sentence};
    listener->step(listener->user, &step);
}

static void walk(struct question *question, const struct listener *listener)
{
    bool ended = false;
    for (const struct rule *rule = rules; !ended; rule++) {
        ended = rule->decide(question);
        if (listener != NULL)
            tell(listener, question, rule, ended);
    }
}

/* Field by field, because clearing the keys for each recipient would take as long as the look-up. */
static void begin(struct question *question, const struct policy *policy,
                  const struct policy_sources *sources, const struct policy_client *client,
                  struct view recipient, const struct policy_live *live, struct verdict *verdict)
{
    question->policy = policy;
    question->sources = sources;
    question->client = client;
    question->recipient = recipient;
    question->live = live;
    question->asks = POLICY_DECIDED;
    question->domain = NULL;
    question->delivered_to = recipient;
    question->verdict = verdict;
    question->sentence = NULL;
}

/* The directory is asked for the form in which it compares addresses, a next hop for what was written: it may take
 * more of it for a difference. */
static void note_wanted(const struct question *question, struct policy_live *live)
{
    const struct directory_key *key =
        question->slot == POLICY_LIVE_PLAIN ? &question->plain : &question->key;
    struct view wanted = view_of(key->text, key->length);
    live->source = question->sources->directory;
    if (question->asks == POLICY_ASK_CALLOUT) {
        live->source = question->sources->callout;
        wanted = question->recipient;
    }
    view_copy_text(wanted, live->text, sizeof live->text);
    live->wanted = view_of(live->text, strlen(live->text));
    live->slot = question->slot;
}

enum policy_asks policy_check_recipient(const struct policy *policy,
                                        const struct policy_sources *sources,
                                        const struct policy_client *client, struct view recipient,
                                        struct policy_live *live, char *scratch,
                                        size_t scratch_size, struct view *delivered_to,
                                        struct verdict *verdict)
{
    struct question question;
    begin(&question, policy, sources, client, recipient, live, verdict);
    walk(&question, NULL);
    if (question.asks != POLICY_DECIDED)
        note_wanted(&question, live);
    *delivered_to = question.delivered_to;
    if (delivered_to->data != recipient.data) {
        /* The policy may be gone before the message is. */
        view_copy_text(question.delivered_to, scratch, scratch_size);
        *delivered_to = view_of_text(scratch);
    }
    return question.asks;
}

void policy_explain_recipient(const struct policy *policy, const struct policy_sources *sources,
                              const struct policy_client *client, struct view recipient,
                              const struct policy_live *live,
                              void (*step)(void *user, const struct policy_step *step), void *user,
                              struct verdict *verdict)
{
    struct listener listener = {step, user};
    struct question question;
    char sentence[SENTENCE_MAXIMUM];
    begin(&question, policy, sources, client, recipient, live, verdict);
    question.sentence = sentence;
    walk(&question, &listener);
}

void policy_live_add(struct policy_live *live)
{
    live->known |= 1u << live->slot;
}

const char *policy_live_reason(const struct policy_live *live)
{
    return live->known == 0 ? "" : live->answers[live->slot].reason;
}
