#include "inbound_private.h"

#include "platform/clock.h"

/* A full disk and a store that cannot be written look alike to the client: not now. */
static void refuse_for_now(enum spool_state state, struct verdict *verdict)
{
    verdict_set(verdict, state == SPOOL_DISK_LOW ? "disk-low" : "store-failed", 452, "4.3.1",
                "Insufficient system storage");
}

/* On the spool's thread, with its lock held. */
static void spool_resumes(void *user);

void inbound_begin_message(struct inbound *inbound, const struct smtp_envelope *envelope,
                           struct verdict *verdict)
{
    struct spool *spool = inbound->loop->parts.spool;
    enum spool_state state = spool_state(spool);
    if (state != SPOOL_READY) {
        refuse_for_now(state, verdict);
        return;
    }
    inbound->incoming = spool_begin(spool, envelope->message, spool_resumes, inbound);
    verdict_pass(verdict, "content");
}

/* ---- the flow of content ---- */

static void resume(void *argument)
{
    struct inbound *inbound = argument;
    inbound->resumes_taken++;
    inbound->spool_waits = false;
    if (inbound->connection != NULL)
        inbound_settle(inbound);
    else
        inbound_free_if_done(inbound);
}

static void spool_resumes(void *user)
{
    struct inbound *inbound = user;
    atomic_fetch_add(&inbound->resumes, 1);
    net_post(inbound->loop->net, resume, inbound);
}

static bool resume_is_under_way(const struct inbound *inbound)
{
    return atomic_load(&inbound->resumes) != inbound->resumes_taken;
}

bool inbound_content(void *user, const char *data, size_t length, struct verdict *verdict)
{
    struct inbound *inbound = user;
    switch (spool_append(inbound->incoming, data, length)) {
    case SPOOL_GO:
        return true;
    case SPOOL_WAIT:
        inbound->spool_waits = true;
        inbound->paused = true;
        net_connection_pause(inbound->connection);
        return true;
    case SPOOL_REFUSE:
        break;
    }
    refuse_for_now(spool_state(inbound->loop->parts.spool), verdict);
    return false;
}

/* After the spool has taken it back it calls resume no more, but may have done so before. */
static void let_go(struct inbound *inbound)
{
    inbound->incoming = NULL;
    inbound->spool_waits = resume_is_under_way(inbound);
}

void inbound_abandon(void *user)
{
    struct inbound *inbound = user;
    if (inbound->incoming == NULL)
        return;
    spool_abort(inbound->incoming);
    let_go(inbound);
}

/* ---- the store ---- */

static void count_stored(const struct inbound *inbound)
{
    struct virtual_server_counters *counters = virtual_server_counters(inbound->arrival.server);
    atomic_fetch_add_explicit(&counters->messages, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->message_bytes, inbound->facts->size, memory_order_relaxed);
}

static void stored(void *argument)
{
    struct inbound *inbound = argument;
    struct verdict verdict;
    inbound->storing = false;
    if (inbound->result == SPOOL_STORED) {
        verdict_pass(&verdict, "stored");
        count_stored(inbound);
        inbound_track_stored(inbound);
    } else {
        refuse_for_now(spool_state(inbound->loop->parts.spool), &verdict);
        if (inbound->connection == NULL)
            inbound_track_lost(inbound, &verdict);
    }
    if (inbound->connection != NULL)
        inbound_answer_later(inbound, &verdict);
    else
        inbound_free_if_done(inbound);
}

/* On the spool's thread. What it writes is read on the loop after the post. */
static void spool_has_answered(void *user, enum spool_result result, const struct error *error)
{
    struct inbound *inbound = user;
    (void)error; /* the spool has made an event of it */
    inbound->result = result;
    inbound->stored_us = spool_written_us(inbound->loop->parts.spool);
    net_post(inbound->loop->net, stored, inbound);
}

static struct spool_recipient *spool_recipients(struct arena *arena,
                                                const struct smtp_envelope *envelope)
{
    struct spool_recipient *recipients =
        arena_allocate(arena, envelope->recipient_count * sizeof(*recipients));
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct smtp_recipient *recipient = &envelope->recipients[i];
        recipients[i] = (struct spool_recipient){
            .number = (uint32_t)i,
            .address = arena_copy_text(arena, recipient->address.text),
            .orcpt = arena_copy_text(arena, recipient->orcpt),
            .notify = recipient->notify,
            .last_reply = "",
        };
    }
    return recipients;
}

void inbound_store(struct inbound *inbound, const struct smtp_envelope *envelope,
                   const struct smtp_content_facts *facts)
{
    struct arena *arena = inbound->loop->scratch;
    struct spool_facts stored_facts = {
        .message = envelope->message,
        .session = inbound->arrival.session,
        .received_ms = clock_unix_ms(),
        .reverse_path = arena_copy_text(arena, envelope->reverse_path.text),
        .client = inbound->client_text,
        .helo = smtp_session_helo(inbound->session),
        .virtual_server = virtual_server_name(inbound->arrival.server),
        .message_id = arena_copy_text(arena, facts->message_id),
        .subject = arena_copy_text(arena, facts->subject),
        .envid = arena_copy_text(arena, envelope->envid),
        .ret = (int)envelope->ret,
        .body_type = (int)envelope->body,
        .smtputf8 = envelope->smtputf8,
        .size = facts->size,
    };
    struct spool_incoming *incoming = inbound->incoming;
    inbound->facts = facts;
    inbound->storing = true;
    inbound_track_received(inbound);
    spool_commit(incoming, &stored_facts, spool_recipients(arena, envelope),
                 envelope->recipient_count, spool_has_answered, inbound);
    let_go(inbound);
    arena_reset(arena);
}

bool inbound_is_owed(const struct inbound *inbound)
{
    return inbound->storing || inbound->looking_up || resume_is_under_way(inbound);
}
