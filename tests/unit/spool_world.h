/* What the tests of the spool share: a spool in a file of its own, messages whose content follows from
 * their number, and waiting for answers. Calls that check fail the test; so from its own thread only. */
#ifndef SPOOL_WORLD_H
#define SPOOL_WORLD_H

#include "spool/spool.h"

#include "platform/thread.h"

/* Answers of spool_commit() and spool_record(), counted. */
struct answers {
    struct lock *lock;
    struct condition *condition;
    unsigned stored;
    unsigned not_stored;
    unsigned resumed;
    struct error last_error;
};
struct answers *answers_create(void);
void answers_destroy(struct answers *answers);
/* user: struct answers */
void answers_done(void *user, enum spool_result result, const struct error *error);
void answers_resume(void *user);

/* Waits until so many came, of either kind. */
void answers_wait(struct answers *answers, unsigned count);

/* Lets other threads run. */
void pause_a_little(void);

/* Waits, with patience. */
bool state_becomes(const struct spool *spool, enum spool_state state);

/* Events, counted for each id. Any thread. */
unsigned events_seen(enum event_id id);
void events_forget(void);

/* Removes the file and what belongs to it. */
void spool_world_clean(const char *path);

/* Room in memory for 1 MB, groups of 512, events counted. */
struct spool_options spool_world_options(void);

/* With those; the test fails when it cannot. */
struct spool *spool_world_open(const char *path, struct spool_recovery *recovery);

/* The byte of a message's content at a position. */
char content_byte(ident message, uint64_t position);

/* Appends `size` bytes in pieces of `piece`, waiting where it shall. False: refused; then it is aborted. */
bool bring_content(struct spool_incoming *incoming, ident message, uint64_t size, size_t piece,
                   struct answers *answers);

void commit_message(struct spool_incoming *incoming, ident message, uint64_t size,
                    unsigned recipients, struct answers *answers);

/* All of a message with `recipients` recipients "r0@example.test", "r1@...". False: refused. */
bool bring_message(struct spool *spool, ident message, uint64_t size, unsigned recipients,
                   struct answers *answers);

/* Brings message 1 and keeps the spool's thread busy with it from then on, so that what comes meanwhile
 * waits together, until let_go(). */
void hold_writer(struct spool *spool, struct answers *answers);
void let_go(void);

void settle(struct spool *spool, ident message, uint32_t recipient, struct answers *answers);

/* Loads the message and compares facts and content; false when it is not there. */
bool is_there_whole(struct spool_reader *reader, ident message, uint64_t size);

/* Compares the content that an item gives. */
void check_content(struct spool_reader *reader, const struct spool_item *item);

#endif
