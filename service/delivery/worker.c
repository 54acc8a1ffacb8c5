#include "delivery/worker.h"

#include "base/memory.h"
#include "platform/thread.h"

/* Threads, each with the messages that fall to it. A power of two; more bring no more on one disk.
 */
#define LANES      8
#define LANES_BITS 3

struct lane {
    struct worker *worker;
    struct spool_reader *reader;
    struct thread *thread;
    struct condition *wake;
    struct list submitted; /* under the lock */
};

struct worker {
    struct net_loop *loop;
    struct lane lanes[LANES];
    struct lock *lock;
    /* Under the lock. */
    struct list done;
    bool stopping;
};

static struct worker_job *take_first(struct list *jobs)
{
    if (list_is_empty(jobs))
        return NULL;
    struct worker_job *job = LIST_MEMBER(jobs->next, struct worker_job, link);
    list_remove(&job->link);
    return job;
}

static struct worker_job *wait_for_job(struct lane *lane)
{
    struct worker *worker = lane->worker;
    lock_acquire(worker->lock);
    while (!worker->stopping && list_is_empty(&lane->submitted))
        condition_wait(lane->wake, worker->lock);
    struct worker_job *job = worker->stopping ? NULL : take_first(&lane->submitted);
    lock_release(worker->lock);
    return job;
}

static void report_done(void *argument)
{
    struct worker *worker = argument;
    for (;;) {
        lock_acquire(worker->lock);
        struct worker_job *job = take_first(&worker->done);
        lock_release(worker->lock);
        if (job == NULL)
            return;
        job->done(job);
    }
}

static void run(void *argument)
{
    struct lane *lane = argument;
    struct worker *worker = lane->worker;
    for (;;) {
        struct worker_job *job = wait_for_job(lane);
        if (job == NULL)
            return;
        job->run(job, lane->reader);
        lock_acquire(worker->lock);
        bool first = list_is_empty(&worker->done);
        list_append(&worker->done, &job->link);
        lock_release(worker->lock);
        /* One wake-up for all that is done before the loop comes to look. */
        if (first)
            net_post(worker->loop, report_done, worker);
    }
}

static void worker_free(struct worker *worker)
{
    for (size_t i = 0; i < LANES; i++) {
        spool_reader_destroy(worker->lanes[i].reader);
        if (worker->lanes[i].wake != NULL)
            condition_destroy(worker->lanes[i].wake);
    }
    lock_destroy(worker->lock);
    memory_free(worker);
}

struct worker *worker_start(struct net_loop *loop, struct spool *spool, struct error *error)
{
    struct worker *worker = memory_allocate(1, sizeof *worker);
    worker->loop = loop;
    worker->lock = lock_create();
    list_init(&worker->done);
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &worker->lanes[i];
        lane->worker = worker;
        lane->reader = spool_reader_create(spool, error);
        if (lane->reader == NULL) {
            worker_free(worker);
            return NULL;
        }
        lane->wake = condition_create();
        list_init(&lane->submitted);
    }
    for (size_t i = 0; i < LANES; i++)
        worker->lanes[i].thread = thread_start("delivery files", run, &worker->lanes[i]);
    return worker;
}

void worker_submit(struct worker *worker, ident message, struct worker_job *job)
{
    /* Identifiers are mostly time; multiplied by 2^64 over the golden ratio their upper bits
     * differ. */
    struct lane *lane = &worker->lanes[message * UINT64_C(0x9E3779B97F4A7C15) >> (64 - LANES_BITS)];
    lock_acquire(worker->lock);
    list_append(&lane->submitted, &job->link);
    condition_signal(lane->wake);
    lock_release(worker->lock);
}

void worker_stop(struct worker *worker)
{
    lock_acquire(worker->lock);
    worker->stopping = true;
    for (size_t i = 0; i < LANES; i++)
        condition_signal(worker->lanes[i].wake);
    lock_release(worker->lock);
    for (size_t i = 0; i < LANES; i++)
        thread_join(worker->lanes[i].thread);
}

void worker_destroy(struct worker *worker)
{
    report_done(worker);
    for (size_t i = 0; i < LANES; i++) {
        struct worker_job *job;
        while ((job = take_first(&worker->lanes[i].submitted)) != NULL)
            job->discarded(job);
    }
    worker_free(worker);
}
