#include "delivery/worker.h"

#include "base/memory.h"
#include "platform/thread.h"

struct worker {
    struct net_loop *loop;
    struct spool_reader *reader;
    struct thread *thread;
    struct lock *lock;
    struct condition *wake;
    /* Under the lock. */
    struct list submitted;
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

static struct worker_job *wait_for_job(struct worker *worker)
{
    lock_acquire(worker->lock);
    while (!worker->stopping && list_is_empty(&worker->submitted))
        condition_wait(worker->wake, worker->lock);
    struct worker_job *job = worker->stopping ? NULL : take_first(&worker->submitted);
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
    struct worker *worker = argument;
    for (;;) {
        struct worker_job *job = wait_for_job(worker);
        if (job == NULL)
            return;
        job->run(job, worker->reader);
        lock_acquire(worker->lock);
        bool first = list_is_empty(&worker->done);
        list_append(&worker->done, &job->link);
        lock_release(worker->lock);
        /* One wake-up for all that is done before the loop comes to look. */
        if (first)
            net_post(worker->loop, report_done, worker);
    }
}

struct worker *worker_start(struct net_loop *loop, struct spool *spool, struct error *error)
{
    struct spool_reader *reader = spool_reader_create(spool, error);
    if (reader == NULL)
        return NULL;
    struct worker *worker = memory_allocate(1, sizeof *worker);
    worker->loop = loop;
    worker->reader = reader;
    worker->lock = lock_create();
    worker->wake = condition_create();
    list_init(&worker->submitted);
    list_init(&worker->done);
    worker->thread = thread_start("delivery files", run, worker);
    return worker;
}

void worker_submit(struct worker *worker, struct worker_job *job)
{
    lock_acquire(worker->lock);
    list_append(&worker->submitted, &job->link);
    condition_signal(worker->wake);
    lock_release(worker->lock);
}

void worker_stop(struct worker *worker)
{
    lock_acquire(worker->lock);
    worker->stopping = true;
    condition_signal(worker->wake);
    lock_release(worker->lock);
    thread_join(worker->thread);
}

void worker_destroy(struct worker *worker)
{
    report_done(worker);
    for (;;) {
        struct worker_job *job = take_first(&worker->submitted);
        if (job == NULL)
            break;
        job->discarded(job);
    }
    spool_reader_destroy(worker->reader);
    condition_destroy(worker->wake);
    lock_destroy(worker->lock);
    memory_free(worker);
}
