#include "spool/internal.h"

#include "base/memory.h"
#include "platform/file.h"

struct spool *spool_open(const char *path, const struct spool_options *options,
                         struct spool_recovery *recovery, struct error *error)
{
    struct spool_store *store = spool_store_open(path, recovery, error);
    if (store == NULL)
        return NULL;
    struct spool *spool = memory_allocate(1, sizeof *spool);
    spool->path = memory_copy_text(path);
    spool->folder = path_parent(path);
    spool->store = store;
    spool->options = *options;
    spool->body_memory = spool_body_memory_create(options->body_memory_bytes);
    spool->lock = lock_create();
    spool->wake = condition_create();
    spool_work_init(&spool->queue);
    atomic_init(&spool->state, SPOOL_READY);
    atomic_init(&spool->messages, recovery->messages);
    atomic_init(&spool->recipients, recovery->recipients);
    atomic_init(&spool->transactions, 0);
    spool->thread = thread_start("spool", spool_write_until_stopped, spool);
    return spool;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    lock_acquire(spool->lock);
    spool->is_stopping = true;
    condition_signal(spool->wake);
    lock_release(spool->lock);
    thread_join(spool->thread);

    spool_store_close(spool->store);
    spool_body_memory_release(spool->body_memory);
    condition_destroy(spool->wake);
    lock_destroy(spool->lock);
    memory_free(spool->folder);
    memory_free(spool->path);
    memory_free(spool);
}

void spool_set_options(struct spool *spool, const struct spool_options *options)
{
    lock_acquire(spool->lock);
    spool->options = *options;
    lock_release(spool->lock);
    atomic_store(&spool->body_memory->maximum, options->body_memory_bytes);
}

void spool_set_taker(struct spool *spool, void (*take)(void *user, const struct spool_item *item),
                     void *user)
{
    lock_acquire(spool->lock);
    spool->take = take;
    spool->take_user = user;
    lock_release(spool->lock);
}

enum spool_state spool_state(const struct spool *spool)
{
    return (enum spool_state)atomic_load(&spool->state);
}

void spool_count(const struct spool *spool, uint64_t *messages, uint64_t *recipients)
{
    *messages = atomic_load(&spool->messages);
    *recipients = atomic_load(&spool->recipients);
}

int64_t spool_written_us(const struct spool *spool)
{
    return spool->written_us;
}

uint64_t spool_transactions(const struct spool *spool)
{
    return atomic_load(&spool->transactions);
}
