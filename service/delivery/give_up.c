#include "delivery/give_up.h"

#include "base/memory.h"
#include "delivery/retry.h"
#include "ndr/badmail.h"
#include "ndr/message_file.h"
#include "platform/clock.h"

#include <stdio.h>

struct give_up {
    struct worker_job job;
    struct delivery *delivery;
    char *destination;             /* its name: it may be gone when the worker is done */
    char *folder;                  /* badmail */
    const struct spool_item *item; /* NULL: the worker loads it */
    struct queue_entry *entry;     /* without recipients: the message and its attempts */
    size_t count;
    size_t capacity;
    struct badmail_recipient *recipients;
    struct delivery_domain **domains;
    bool settled;  /* in badmail, or not in the spool any more */
    char *failure; /* what else */
};

struct give_up *give_up_create(struct destination *destination, const struct queue_entry *entry)
{
    struct give_up *give_up = memory_allocate(1, sizeof *give_up);
    list_init(&give_up->job.link);
    give_up->delivery = destination->delivery;
    give_up->destination = memory_copy_text(destination->name);
    give_up->item = entry->item == NULL ? NULL : spool_item_retain(entry->item);
    give_up->entry = queue_entry_create_like(entry, 0);
    return give_up;
}

static void give_up_free(struct give_up *give_up)
{
    for (size_t i = 0; i < give_up->count; i++) {
        memory_free((void *)(uintptr_t)give_up->recipients[i].reason);
        if (give_up->domains[i] != NULL)
            delivery_domain_release(give_up->delivery, give_up->domains[i]);
    }
    if (give_up->item != NULL)
        spool_item_release(give_up->item);
    memory_free(give_up->recipients);
    memory_free(give_up->domains);
    memory_free(give_up->destination);
    memory_free(give_up->folder);
    memory_free(give_up->failure);
    queue_entry_free(give_up->entry);
    memory_free(give_up);
}

void give_up_add(struct give_up *give_up, struct queue_recipient *recipient, bool expired,
                 const char *reason)
{
    if (give_up->count == give_up->capacity) {
        give_up->capacity = give_up->capacity == 0 ? 1 : give_up->capacity * 2;
        give_up->recipients =
            memory_resize(give_up->recipients, give_up->capacity, sizeof *give_up->recipients);
        give_up->domains =
            memory_resize(give_up->domains, give_up->capacity, sizeof(struct delivery_domain *));
    }
    give_up->recipients[give_up->count] =
        (struct badmail_recipient){recipient->number, expired, memory_copy_text(reason)};
    give_up->domains[give_up->count++] = recipient->domain;
    recipient->domain = NULL;
    recipient->fate = FATE_SETTLED;
}

/* ---- on the worker's thread ---- */

static void track(const struct give_up *give_up, enum tracking_event event, size_t at,
                  const char *destination)
{
    const struct badmail_recipient *failed = &give_up->recipients[at];
    const struct spool_recipient *recipient = message_file_recipient(give_up->item, failed->number);
    if (recipient != NULL)
        record_track(give_up->delivery->tracking, event, give_up->item, recipient->address,
                     destination, failed->reason, "");
}

static void run(struct worker_job *job, struct spool_reader *reader)
{
    struct give_up *give_up = LIST_MEMBER(job, struct give_up, job);
    struct error error;
    if (give_up->item == NULL)
        give_up->item = spool_load(reader, give_up->entry->message, &error);
    if (give_up->item == NULL) {
        give_up->settled = error.code == 0;
        give_up->failure = memory_copy_text(error.text);
        return;
    }
    for (size_t i = 0; i < give_up->count; i++)
        track(give_up, give_up->recipients[i].expired ? TRACKING_EXPIRED : TRACKING_FAILED, i,
              give_up->destination);

    char *path;
    give_up->settled = badmail_write(give_up->folder, give_up->item, give_up->destination,
                                     give_up->recipients, give_up->count, reader, &path, &error);
    if (!give_up->settled) {
        give_up->failure = memory_copy_text(error.text);
        return;
    }
    for (size_t i = 0; i < give_up->count; i++)
        track(give_up, TRACKING_BADMAIL, i, path);
    memory_free(path);
}

/* ---- on the loop's thread ---- */

/* The whole way again, at the times of a delivery that failed: the next hop may have changed its
 * mind. */
static void put_back(struct give_up *give_up)
{
    struct delivery *delivery = give_up->delivery;
    struct queue_entry *entry = queue_entry_create_like(give_up->entry, give_up->count);
    int64_t wait_ms = retry_interval_ms(&delivery_settings(delivery)->retry, ++entry->attempts);
    entry->next_attempt_ms = net_now_ms(delivery->loop) + wait_ms;
    for (size_t i = 0; i < give_up->count; i++) {
        const struct badmail_recipient *failed = &give_up->recipients[i];
        entry->recipients[i].number = failed->number;
        entry->recipients[i].domain = give_up->domains[i];
        give_up->domains[i] = NULL;
        record_retry(delivery->record, entry->message, failed->number, entry->attempts,
                     clock_unix_ms() + wait_ms, failed->reason);
    }
    delivery_place(delivery, entry, PLACE_WAIT);
}

static void done(struct worker_job *job)
{
    struct give_up *give_up = LIST_MEMBER(job, struct give_up, job);
    struct delivery *delivery = give_up->delivery;
    if (give_up->settled) {
        for (size_t i = 0; i < give_up->count; i++)
            record_settled(delivery->record, give_up->entry->message,
                           give_up->recipients[i].number);
    } else {
        /* Once until it works again. */
        if (!delivery->badmail_fails)
            event_report(delivery->events, EVENT_BADMAIL_FAILED, give_up->folder, give_up->failure,
                         NULL);
        put_back(give_up);
    }
    delivery->badmail_fails = !give_up->settled;
    give_up_free(give_up);
    delivery_work(delivery);
}

static void discarded(struct worker_job *job)
{
    give_up_free(LIST_MEMBER(job, struct give_up, job));
}

void give_up_submit(struct give_up *give_up)
{
    struct delivery *delivery = give_up->delivery;
    give_up->folder =
        delivery_folder(delivery, delivery_settings(delivery)->folders.badmail, "Badmail");
    give_up->job.run = run;
    give_up->job.done = done;
    give_up->job.discarded = discarded;
    worker_submit(delivery->worker, give_up->entry->message, &give_up->job);
}
