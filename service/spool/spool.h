/*
 * The durable store of accepted messages and of what is still owed for each recipient: spool.db (WAL,
 * synchronous FULL). One thread of its own writes: it takes everything that waits, writes it in one
 * transaction, syncs once, then answers all. A message exists from the moment its commit was answered
 * with SPOOL_STORED; before that nothing of it is ever seen again after a crash.
 *
 * spool_begin() .. spool_commit() may be called from any thread (one at a time for one message).
 * Callbacks come on the spool thread and must only post: `resume` comes with a lock held, so it must
 * call nothing of the spool. Texts handed in are copied.
 *
 * While the store fails (I/O error, disk full) or the disk is low, messages are refused, outcomes that cannot
 * be recorded are kept and recorded later, and the store is tried each second until it recovers.
 */
#ifndef GATEPOST_SPOOL_SPOOL_H
#define GATEPOST_SPOOL_SPOOL_H

#include "base/error.h"
#include "base/event.h"
#include "base/ident.h"

struct spool;

struct spool_options {
    uint64_t minimum_free_bytes; /* below: SPOOL_DISK_LOW; 0 = never */
    uint64_t body_memory_bytes;  /* content kept in memory for delivery, all messages together */
    uint32_t group_messages;     /* at most this many share one transaction */
    const struct event_sink *events;
};

struct spool_recovery {
    bool was_clean;    /* the last user of the file closed it */
    uint64_t messages; /* that wait */
    uint64_t recipients;
    ident greatest_message; /* ever given out, for ident_source_init() */
};

/* Makes the file when it is not there. Fills recovery. */
struct spool *spool_open(const char *path, const struct spool_options *options,
                         struct spool_recovery *recovery, struct error *error);

/* Writes what waits, marks the file clean, joins the thread. Nobody may call any more. */
void spool_close(struct spool *spool);

/* Takes effect with the next transaction. Any thread. */
void spool_set_options(struct spool *spool, const struct spool_options *options);

enum spool_state { SPOOL_READY, SPOOL_FAILING, SPOOL_DISK_LOW };

/* May new mail be begun? Read without a lock; any thread. */
enum spool_state spool_state(const struct spool *spool);

/* ---- taking a message in ---- */

/* What is known of a message. Texts are never NULL. */
struct spool_facts {
    ident message;
    ident session;
    int64_t received_ms;      /* unix */
    const char *reverse_path; /* "" is the null reverse-path */
    const char *client;       /* IP address */
    const char *helo;
    const char *virtual_server;
    const char *message_id; /* header, with brackets */
    const char *subject;
    const char *envid; /* xtext, "" when not given */
    int ret;           /* enum smtp_ret */
    int body_type;     /* enum smtp_body */
    bool smtputf8;
    uint64_t size; /* bytes of content; the spool counts them itself */
};

struct spool_recipient {
    uint32_t number;     /* 0.. within the message, in the order of RCPT */
    const char *address; /* where it is to be delivered */
    const char *orcpt;   /* as it came, "" when not given */
    unsigned notify;     /* enum smtp_notify bits */
    uint32_t attempts;
    int64_t next_attempt_ms; /* unix; 0 = at once */
    const char *last_reply;  /* of the last attempt, "" before */
};

struct spool_incoming;

enum spool_flow {
    SPOOL_GO,
    SPOOL_WAIT,  /* taken, but bring no more until `resume` was called */
    SPOOL_REFUSE /* the store fails or the disk is low: abort the message and answer 452 */
};

/* resume is called once on the spool thread after each SPOOL_WAIT, maybe before spool_append() has returned,
 * never after spool_commit() or spool_abort() has returned. */
struct spool_incoming *spool_begin(struct spool *spool, ident message, void (*resume)(void *user),
                                   void *user);

/* Content in pieces of any size. Small messages stay in memory until the commit; larger ones go to the file in
 * chunks as they come, so that memory stays bounded whatever the size. */
enum spool_flow spool_append(struct spool_incoming *incoming, const char *data, size_t length);

enum spool_result { SPOOL_STORED, SPOOL_NOT_STORED };

typedef void (*spool_done)(void *user, enum spool_result result, const struct error *error);

/* Takes `incoming`. done is called exactly once. After SPOOL_STORED and before done, the taker of accepted
 * messages (spool_set_taker) has been given the item. */
void spool_commit(struct spool_incoming *incoming, const struct spool_facts *facts,
                  const struct spool_recipient *recipients, size_t recipient_count, spool_done done,
                  void *user);

/* Within done, on the spool thread: when the message became durable, Unix time in microseconds. Not after anything that
 * its taker does. */
int64_t spool_written_us(const struct spool *spool);

/* Takes `incoming`; what was written is removed. */
void spool_abort(struct spool_incoming *incoming);

/* ---- the way out ---- */

/* An accepted message with all its facts and the recipients that are still owed; immutable, counted. */
struct spool_item {
    struct spool_facts facts;
    const struct spool_recipient *recipients;
    size_t recipient_count;
};
const struct spool_item *spool_item_retain(const struct spool_item *item);
void spool_item_release(const struct spool_item *item);

/* Called on the spool thread for every message that was stored, before its `done`. The item is lent: retain
 * it to keep it. Set once before the first commit. */
void spool_set_taker(struct spool *spool, void (*take)(void *user, const struct spool_item *item),
                     void *user);

/* One row for each recipient that is owed, to build the timetable at start; oldest message first. Before the
 * first commit. */
struct spool_waiting {
    ident message;
    uint32_t recipient;
    const char *address;
    uint32_t attempts;
    int64_t received_ms;
    int64_t next_attempt_ms;
    uint64_t size;
    const char *last_reply;
};
bool spool_each_waiting(struct spool *spool,
                        void (*each)(void *user, const struct spool_waiting *waiting), void *user,
                        struct error *error);

/* Each thread that reads makes its own. */
struct spool_reader;
struct spool_reader *spool_reader_create(struct spool *spool, struct error *error);
void spool_reader_destroy(struct spool_reader *reader);

/* From the file; NULL when it is gone (error->code 0) or cannot be read. The caller releases it. */
const struct spool_item *spool_load(struct spool_reader *reader, ident message,
                                    struct error *error);

/* Walks the content from the start in order. The view lives until the next call. In memory when it is kept,
 * else from the file. */
struct spool_content;
struct spool_content *spool_content_open(struct spool_reader *reader, const struct spool_item *item,
                                         struct error *error);
bool spool_content_next(struct spool_content *content, struct view *piece, struct error *error);
/* After false: at_end tells the end from a failure. */
bool spool_content_at_end(const struct spool_content *content);
void spool_content_close(struct spool_content *content);

enum spool_outcome_kind {
    SPOOL_SETTLED, /* delivered, or put into badmail: nothing is owed any more */
    SPOOL_RETRY
};

struct spool_outcome {
    ident message;
    uint32_t recipient;
    enum spool_outcome_kind kind;
    uint32_t attempts;
    int64_t next_attempt_ms;
    const char *reply; /* kept for RETRY */
};

/* Durable when done is called. NULL: nobody waits, so it is written along with the next message or some 20 ms
 * later; a crash before it may deliver again. When the last recipient is settled the message is removed.
 * Outcomes of one message shall stand together. Any thread. */
void spool_record(struct spool *spool, const struct spool_outcome *outcomes, size_t count,
                  spool_done done, void *user);

/* Messages and recipients that wait; without a lock. */
void spool_count(const struct spool *spool, uint64_t *messages, uint64_t *recipients);

/* Transactions since spool_open(): how well the group commit groups. Without a lock. */
uint64_t spool_transactions(const struct spool *spool);

#endif
