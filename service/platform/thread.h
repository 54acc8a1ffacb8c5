/*
 * Threads, locks and conditions. The structs are opaque storage that the owner embeds or allocates
 * through the create calls. Failure to create one ends the process (it happens only at start, or out of
 * memory).
 */
#ifndef GATEPOST_PLATFORM_THREAD_H
#define GATEPOST_PLATFORM_THREAD_H

#include <stdbool.h>
#include <stdint.h>

struct thread;
struct lock;
struct condition;

/* name: at most 15 characters, shown by debuggers. The caller joins it exactly once. */
struct thread *thread_start(const char *name, void (*run)(void *argument), void *argument);
void thread_join(struct thread *thread);

struct lock *lock_create(void);
void lock_destroy(struct lock *lock);
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);

struct condition *condition_create(void);
void condition_destroy(struct condition *condition);

/* The lock is held on call and on return. May wake without cause. */
void condition_wait(struct condition *condition, struct lock *lock);

/* False when `milliseconds` passed first. */
bool condition_wait_for(struct condition *condition, struct lock *lock, uint32_t milliseconds);
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

/* The calling thread goes before others when it wakes: for one that nearly always sleeps and for which many wait. A
 * wish: where the right is missing nothing changes. */
void thread_be_urgent(void);

/* Logical processors this process may use, at least 1. */
unsigned processor_count(void);

#endif
