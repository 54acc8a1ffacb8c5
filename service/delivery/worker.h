/*
 * The threads that work with files for the delivery loop. Most of a job is waiting for the disk,
 * which takes the syncs of several threads in one go. Each job is reported back on the loop.
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
    void (*run)(struct worker_job *job, struct spool_reader *reader); /* on a worker's thread */
    void (*done)(struct worker_job *job);                             /* on the loop's thread */
    void (*discarded)(struct worker_job *job); /* in place of the other two, in worker_destroy() */
};

/* NULL, and error filled, when the spool cannot be read. */
struct worker *worker_start(struct net_loop *loop, struct spool *spool, struct error *error);

/* The loop's thread. Jobs for one message are run one after the other, in this order. */
void worker_submit(struct worker *worker, ident message, struct worker_job *job);

/* No further job is begun. Any thread but the worker's; returns when those that run have ended.
 * What is done by then is still reported. */
void worker_stop(struct worker *worker);

/* The loop's thread, after worker_stop(). */
void worker_destroy(struct worker *worker);

#endif
