#include "base/memory.h"
#include "delivery/attempt.h"
#include "ndr/message_file.h"
#include "platform/file.h"

/* Handed to the worker at a time by one destination: enough to keep it busy, few enough that the
 * others get their turn. */
#define JOBS_MAXIMUM 64

struct drop {
    struct worker_job job;
    struct attempt attempt;
    char *folder;
    const struct spool_item *item;
    uint32_t *numbers;
    size_t count;
    enum message_file_result result;
    char *path; /* of the file */
    struct error error;
};

static void drop_free(struct drop *drop)
{
    spool_item_release(drop->item);
    memory_free(drop->folder);
    memory_free(drop->numbers);
    memory_free(drop->path);
    memory_free(drop);
}

/* ---- on the worker's thread ---- */

static void run(struct worker_job *job, struct spool_reader *reader)
{
    struct drop *drop = LIST_MEMBER(job, struct drop, job);
    drop->result = MESSAGE_FILE_FAILED;
    if (!folder_create(drop->folder, &drop->error))
        return;
    char *base = message_file_choose_path(drop->folder, drop->item->facts.message, ".eml", ".eml");
    char *temporary = message_file_name(base, ".new");
    drop->path = message_file_name(base, ".eml");
    struct message_file message = {.item = drop->item,
                                   .numbers = drop->numbers,
                                   .number_count = drop->count,
                                   .final_delivery = true};
    drop->result = message_file_write(&message, reader, temporary, &drop->error);
    if (drop->result == MESSAGE_FILE_WRITTEN && !file_rename(temporary, drop->path, &drop->error)) {
        file_delete(temporary, NULL);
        drop->result = MESSAGE_FILE_FAILED;
    }
    memory_free(base);
    memory_free(temporary);
}

/* ---- on the loop's thread ---- */

static void done(struct worker_job *job)
{
    struct drop *drop = LIST_MEMBER(job, struct drop, job);
    struct destination *destination = drop->attempt.destination;
    destination->jobs--;
    for (size_t i = 0; i < drop->count; i++) {
        if (drop->result == MESSAGE_FILE_WRITTEN)
            attempt_delivered(&drop->attempt, i, drop->path);
        else if (drop->result == MESSAGE_FILE_UNREADABLE)
            attempt_deferred(&drop->attempt, i, drop->error.text);
        else
            attempt_returned(&drop->attempt, i);
    }
    attempt_end(&drop->attempt);
    if (drop->result == MESSAGE_FILE_WRITTEN)
        destination_served(destination);
    else if (drop->result == MESSAGE_FILE_FAILED)
        destination_failed(destination, drop->error.text);
    destination_touch(destination);
    drop_free(drop);
    delivery_work(destination->delivery);
}

static void discarded(struct worker_job *job)
{
    struct drop *drop = LIST_MEMBER(job, struct drop, job);
    drop->attempt.destination->jobs--;
    attempt_end(&drop->attempt);
    drop_free(drop);
}

static void submit(struct destination *destination, const struct attempt *attempt)
{
    struct delivery *delivery = destination->delivery;
    struct drop *drop = memory_allocate(1, sizeof *drop);
    list_init(&drop->job.link);
    drop->job.run = run;
    drop->job.done = done;
    drop->job.discarded = discarded;
    drop->attempt = *attempt;
    drop->folder = delivery_folder(delivery, delivery_settings(delivery)->folders.drop, "Drop");
    drop->item = spool_item_retain(attempt->entry->item);
    drop->count = attempt->entry->recipient_count;
    drop->numbers = memory_allocate(drop->count, sizeof *drop->numbers);
    for (size_t i = 0; i < drop->count; i++)
        drop->numbers[i] = attempt->entry->recipients[i].number;
    destination->jobs++;
    worker_submit(delivery->worker, attempt->entry->message, &drop->job);
}

void drop_work(struct destination *destination)
{
    /* In an outage one goes ahead to see. */
    size_t most = destination->outage ? 1 : JOBS_MAXIMUM;
    struct attempt attempt;
    while (destination->jobs < most && attempt_begin(&attempt, destination))
        submit(destination, &attempt);
}
