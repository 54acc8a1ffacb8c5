/*
 * The spool from inside: what its threads share. Producers (intake.c) queue work under the lock; the spool
 * thread (writer.c) takes all of it and answers. Work is done in the order it came, so that chunks
 * come before their message and a message before its outcomes.
 */
#ifndef GATEPOST_SPOOL_INTERNAL_H
#define GATEPOST_SPOOL_INTERNAL_H

#include "platform/thread.h"
#include "spool/item.h"
#include "spool/store.h"

/* Something to be written. */
struct work {
    struct work *next;
    enum work_kind {
        WORK_MESSAGE,  /* struct spool_incoming */
        WORK_CHUNK,    /* struct chunk_work */
        WORK_DROP,     /* struct spool_incoming: chunks of a message that never came to be */
        WORK_OUTCOMES, /* struct outcome_work */
    } kind;
};

struct work_list {
    struct work *first;
    struct work **end; /* where the next one is hung in */
};

void spool_work_init(struct work_list *list);
void spool_work_append(struct work_list *list, struct work *work);
struct work *spool_work_take_first(struct work_list *list); /* NULL when empty */
void spool_work_move(struct work_list *to, struct work_list *from);

/* Chunks of a message that wait to be written: one is on its way while the next one fills. */
#define SPOOL_CHUNKS_WAITING 2

struct spool_incoming {
    struct work work;
    struct spool *spool;
    ident message;
    void (*resume)(void *user);
    void *resume_user;
    struct buffer rest;         /* content that is in no chunk */
    uint32_t chunks;            /* handed to the spool thread */
    uint32_t chunks_waiting;    /* and not written yet; under the lock */
    bool is_waiting;            /* SPOOL_WAIT was answered; under the lock */
    atomic_bool chunk_was_lost; /* it can never be stored */
    struct stored_item *item;   /* from spool_commit() on */
    spool_done done;
    void *done_user;
};

struct chunk_work {
    struct work work;
    struct spool_incoming *incoming; /* lives until its WORK_MESSAGE or WORK_DROP was done */
    uint32_t number;
    struct buffer data;
};

struct outcome_work {
    struct work work;
    spool_done done;
    void *user;
    size_t count;
    struct spool_outcome outcomes[]; /* their texts behind them */
};

struct spool {
    char *path;
    char *folder;              /* that holds it: free space is asked of folders */
    struct spool_store *store; /* the spool thread's */
    struct thread *thread;
    struct body_memory *body_memory;
    void (*take)(void *user, const struct spool_item *item);
    void *take_user;
    int64_t written_us; /* unix; of the last transaction. The spool thread's */

    _Atomic int state; /* enum spool_state; set by the spool thread */
    _Atomic uint64_t messages;
    _Atomic uint64_t recipients;
    _Atomic uint64_t transactions;

    struct lock *lock;
    struct condition *wake;
    struct spool_options options;
    struct work_list queue;
    size_t queue_length;
    bool is_urgent;         /* somebody waits for what is in the queue */
    int64_t queue_since_ms; /* monotonic, when the oldest of the queue came */
    bool is_sleeping;       /* the spool thread */
    bool is_stopping;
};

/* Takes `work`. The lock must be held. */
void spool_enqueue(struct spool *spool, struct work *work, bool is_urgent);

/* Takes it with all it owns. */
void spool_incoming_free(struct spool_incoming *incoming);

/* The spool thread; argument: struct spool. Returns when is_stopping and nothing is left to do. */
void spool_write_until_stopped(void *argument);

#endif
