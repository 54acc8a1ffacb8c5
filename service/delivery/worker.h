/*
 * The thread that works with files for the delivery loop: jobs in the order they were submitted,
 * each reported back on the loop.
 */
#ifndef GATEPOST_DELIVERY_WORKER_H
#define GATEPOST_DELIVERY_WORKER_H

#include "base/list.h"
#include "net/loop.h"
#include "spool/spool.h"

struct worker;

/* Embedded in what the submitter needs to know; lives until done() or discarded(). */
struct worker_job {
    struct list link;
    void (*run)(struct worker_job *job, struct spool_reader *reader); /* on the worker's thread */
    void (*done)(struct worker_job *job);                             /* on the loop's thread */
    void (*discarded)(struct worker_job *job); /* in place of the other two, in worker_destroy() */
};

struct worker *worker_start(struct net_loop *loop, struct spool *spool, struct error *error);

/* The loop's thread. */
void worker_submit(struct worker *worker, struct worker_job *job);

/* No further job is begun. Any thread but the worker's; returns when the one that runs has ended.
 * What is done by then is still reported. */
void worker_stop(struct worker *worker);

/* The loop's thread, after worker_stop(). */
void worker_destroy(struct worker *worker);

#endif
