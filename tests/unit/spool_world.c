#include "spool_world.h"
#include "unit.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <stdatomic.h>

/* ---- answers ---- */

struct answers *answers_create(void)
{
    struct answers *answers = memory_allocate(1, sizeof *answers);
    answers->lock = lock_create();
    answers->condition = condition_create();
    return answers;
}

void answers_destroy(struct answers *answers)
{
    condition_destroy(answers->condition);
    lock_destroy(answers->lock);
    memory_free(answers);
}

void answers_done(void *user, enum spool_result result, const struct error *error)
{
    struct answers *answers = user;
    lock_acquire(answers->lock);
    if (result == SPOOL_STORED) {
        answers->stored++;
    } else {
        answers->not_stored++;
        answers->last_error = *error;
    }
    condition_broadcast(answers->condition);
    lock_release(answers->lock);
}

void answers_resume(void *user)
{
    struct answers *answers = user;
    lock_acquire(answers->lock);
    answers->resumed++;
    condition_broadcast(answers->condition);
    lock_release(answers->lock);
}

#define PATIENCE_MS 30000

void answers_wait(struct answers *answers, unsigned count)
{
    bool in_time = true;
    lock_acquire(answers->lock);
    while (in_time && answers->stored + answers->not_stored < count)
        in_time = condition_wait_for(answers->condition, answers->lock, PATIENCE_MS);
    lock_release(answers->lock);
    ck_assert_msg(in_time, "no answer came");
}

static void wait_for_resume(struct answers *answers, unsigned resumed_before)
{
    bool in_time = true;
    lock_acquire(answers->lock);
    while (in_time && answers->resumed == resumed_before)
        in_time = condition_wait_for(answers->condition, answers->lock, PATIENCE_MS);
    lock_release(answers->lock);
    ck_assert_msg(in_time, "resume never came");
}

void pause_a_little(void)
{
    struct answers *nobody = answers_create();
    lock_acquire(nobody->lock);
    condition_wait_for(nobody->condition, nobody->lock, 5);
    lock_release(nobody->lock);
    answers_destroy(nobody);
}

bool state_becomes(const struct spool *spool, enum spool_state state)
{
    int64_t until = clock_monotonic_ms() + PATIENCE_MS;
    while (spool_state(spool) != state && clock_monotonic_ms() < until)
        pause_a_little();
    return spool_state(spool) == state;
}

/* ---- events ---- */

#define EVENT_IDS 1000
static _Atomic unsigned seen[EVENT_IDS];

static void count_event(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    (void)user;
    (void)inserts;
    (void)count;
    seen[id]++;
}

static const struct event_sink sink = {.report = count_event};

unsigned events_seen(enum event_id id)
{
    return seen[id];
}

void events_forget(void)
{
    for (int i = 0; i < EVENT_IDS; i++)
        seen[i] = 0;
}

/* ---- a spool ---- */

void spool_world_clean(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char name[200];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        if (file_exists(name))
            file_delete(name, NULL);
    }
}

struct spool_options spool_world_options(void)
{
    return (struct spool_options){
        .body_memory_bytes = 1 << 20, .group_messages = 512, .events = &sink};
}

struct spool *spool_world_open(const char *path, struct spool_recovery *recovery)
{
    struct spool_options options = spool_world_options();
    struct spool_recovery own;
    struct error error = {0};
    struct spool *spool = spool_open(path, &options, recovery == NULL ? &own : recovery, &error);
    ck_assert_msg(spool != NULL, "%s", error.text);
    return spool;
}

char content_byte(ident message, uint64_t position)
{
    uint64_t mixed = (message * 31 + position) * UINT64_C(0x9e3779b97f4a7c15);
    return (char)(mixed >> 56);
}

bool bring_content(struct spool_incoming *incoming, ident message, uint64_t size, size_t piece,
                   struct answers *answers)
{
    char *bytes = memory_allocate(piece, 1);
    enum spool_flow flow = SPOOL_GO;
    for (uint64_t at = 0; at < size && flow != SPOOL_REFUSE;) {
        size_t length = size - at < piece ? (size_t)(size - at) : piece;
        for (size_t i = 0; i < length; i++)
            bytes[i] = content_byte(message, at + i);
        lock_acquire(answers->lock);
        unsigned resumed_before = answers->resumed;
        lock_release(answers->lock);
        flow = spool_append(incoming, bytes, length);
        if (flow == SPOOL_WAIT)
            wait_for_resume(answers, resumed_before);
        at += length;
    }
    memory_free(bytes);
    if (flow == SPOOL_REFUSE)
        spool_abort(incoming);
    return flow != SPOOL_REFUSE;
}

static struct spool_facts facts_of(ident message, uint64_t size)
{
    return (struct spool_facts){
        .message = message,
        .session = message + 7,
        .received_ms = 1700000000000 + (int64_t)message,
        .reverse_path = message % 2 == 0 ? "" : "sender@example.org",
        .client = "192.0.2.1",
        .helo = "client.example.org",
        .virtual_server = "Default SMTP Virtual Server",
        .message_id = "<1@example.org>",
        .subject = "gr\xc3\xbc\xc3\x9f",
        .envid = "QQ314159",
        .ret = 1,
        .body_type = 1,
        .smtputf8 = message % 2 == 0,
        .size = size,
    };
}

void commit_message(struct spool_incoming *incoming, ident message, uint64_t size,
                    unsigned recipients, struct answers *answers)
{
    struct spool_facts facts = facts_of(message, size);
    struct spool_recipient *list = memory_allocate(recipients, sizeof *list);
    char(*addresses)[40] = memory_allocate(recipients, sizeof *addresses);
    for (unsigned i = 0; i < recipients; i++) {
        snprintf(addresses[i], sizeof addresses[i], "r%u@example.test", i);
        list[i] = (struct spool_recipient){.number = i,
                                           .address = addresses[i],
                                           .orcpt = i == 0 ? "rfc822;r+2B0@example.test" : "",
                                           .notify = i,
                                           .last_reply = ""};
    }
    spool_commit(incoming, &facts, list, recipients, answers_done, answers);
    memory_free(addresses);
    memory_free(list);
}

bool bring_message(struct spool *spool, ident message, uint64_t size, unsigned recipients,
                   struct answers *answers)
{
    struct spool_incoming *incoming = spool_begin(spool, message, answers_resume, answers);
    if (!bring_content(incoming, message, size, 5000, answers))
        return false;
    commit_message(incoming, message, size, recipients, answers);
    return true;
}

static struct lock *gate;
static atomic_bool gate_is_reached;

static void wait_at_gate(void *user, const struct spool_item *item)
{
    (void)user;
    (void)item;
    atomic_store(&gate_is_reached, true);
    lock_acquire(gate);
    lock_release(gate);
}

void hold_writer(struct spool *spool, struct answers *answers)
{
    if (gate == NULL)
        gate = lock_create();
    atomic_store(&gate_is_reached, false);
    lock_acquire(gate);
    spool_set_taker(spool, wait_at_gate, NULL);
    ck_assert(bring_message(spool, 1, 10, 1, answers));
    while (!atomic_load(&gate_is_reached))
        pause_a_little();
}

void let_go(void)
{
    lock_release(gate);
}

void settle(struct spool *spool, ident message, uint32_t recipient, struct answers *answers)
{
    struct spool_outcome outcome = {
        .message = message, .recipient = recipient, .kind = SPOOL_SETTLED, .reply = ""};
    spool_record(spool, &outcome, 1, answers == NULL ? NULL : answers_done, answers);
}

/* ---- looking ---- */

void check_content(struct spool_reader *reader, const struct spool_item *item)
{
    struct error error = {0};
    struct spool_content *content = spool_content_open(reader, item, &error);
    uint64_t at = 0;
    bool same = true;
    ck_assert_msg(content != NULL, "%s", error.text);
    for (struct view piece; spool_content_next(content, &piece, &error);) {
        for (size_t i = 0; i < piece.length; i++)
            same = same && piece.data[i] == content_byte(item->facts.message, at + i);
        at += piece.length;
    }
    ck_assert_msg(spool_content_at_end(content), "%s", error.text);
    spool_content_close(content);
    ck_assert(same);
    ck_assert_uint_eq(at, item->facts.size);
}

static void check_facts(const struct spool_facts *facts, ident message, uint64_t size)
{
    struct spool_facts expected = facts_of(message, size);
    ck_assert_uint_eq(facts->message, message);
    ck_assert_uint_eq(facts->session, expected.session);
    ck_assert_int_eq(facts->received_ms, expected.received_ms);
    ck_assert_str_eq(facts->reverse_path, expected.reverse_path);
    ck_assert_str_eq(facts->client, expected.client);
    ck_assert_str_eq(facts->helo, expected.helo);
    ck_assert_str_eq(facts->virtual_server, expected.virtual_server);
    ck_assert_str_eq(facts->message_id, expected.message_id);
    ck_assert_str_eq(facts->subject, expected.subject);
    ck_assert_str_eq(facts->envid, expected.envid);
    ck_assert_int_eq(facts->ret, expected.ret);
    ck_assert_int_eq(facts->body_type, expected.body_type);
    ck_assert_int_eq(facts->smtputf8, expected.smtputf8);
    ck_assert_uint_eq(facts->size, size);
}

bool is_there_whole(struct spool_reader *reader, ident message, uint64_t size)
{
    struct error error = {0};
    const struct spool_item *item = spool_load(reader, message, &error);
    if (item == NULL) {
        ck_assert_msg(error.code == 0, "%s", error.text);
        return false;
    }
    check_facts(&item->facts, message, size);
    check_content(reader, item);
    spool_item_release(item);
    return true;
}
