#include "ldap/lookup.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/memory.h"
#include "platform/clock.h"
#include "platform/thread.h"

#include <stdio.h>

/* How late a deadline may be noticed, milliseconds. */
#define INTERVAL_MS 50

enum question_state { WAITING, ASKING, ANSWERED };

struct waiter {
    struct list link;
    lookup_answer *answer;
    void *user;
};

struct question {
    struct list link; /* in `waiting` or `answered`; in none while it is asked */
    struct directory_key key;
    struct list waiters;
    enum question_state state;
    enum directory_answer answer;
    int64_t deadline;  /* of those that wait */
    int64_t forget_at; /* of an answer */
    bool outdated;     /* the directory told of a change while it was asked */
};

struct worker {
    struct lookup *lookup;
    struct watch *watch;
    struct servers *servers;
    struct thread *thread;
};

struct lookup {
    const struct source_settings *source;
    const struct lookup_settings *settings;
    struct worker workers[LOOKUP_THREADS_MAXIMUM];
    struct thread *clock; /* looks after the deadlines */

    struct lock *lock; /* guards all below */
    struct condition *work;
    struct condition *stopping;
    struct hash_table *questions;
    struct list waiting;
    struct list answered; /* the oldest first */
    size_t open_count;    /* questions that wait or are asked */
    size_t answered_count;
    size_t waiter_count;
    double tokens;
    int64_t tokens_at;
    int64_t away_until; /* no server could be used: nothing is asked until then */
    struct lookup_count count;
    bool stop;
};

static struct view key_view(const struct directory_key *key)
{
    return view_of(key->text, key->length);
}

static void question_free(struct lookup *lookup, struct question *question)
{
    hash_table_take(lookup->questions, key_view(&question->key));
    memory_free(question);
}

static void forget_answer(struct lookup *lookup, struct question *question)
{
    list_remove(&question->link);
    lookup->answered_count--;
    question_free(lookup, question);
}

static void move_all(struct list *from, struct list *to)
{
    while (!list_is_empty(from)) {
        struct list *link = from->next;
        list_remove(link);
        list_append(to, link);
    }
}

/* The lock is not held: who is answered may ask again. */
static void answer_all(struct list *waiters, enum directory_answer answer)
{
    while (!list_is_empty(waiters)) {
        struct waiter *waiter = LIST_MEMBER(waiters->next, struct waiter, link);
        list_remove(&waiter->link);
        waiter->answer(waiter->user, answer);
        memory_free(waiter);
    }
}

/* Those that wait for the question go to `waiters`. */
static void take_waiters(struct lookup *lookup, struct question *question, struct list *waiters)
{
    for (struct list *link = question->waiters.next; link != &question->waiters; link = link->next)
        lookup->waiter_count--;
    move_all(&question->waiters, waiters);
}

/* What is known goes into memory, unless it is not known or no longer true. */
static void close_question(struct lookup *lookup, struct question *question,
                           enum directory_answer answer)
{
    lookup->open_count--;
    if (answer == DIRECTORY_UNKNOWN || question->outdated || lookup->settings->keep_most == 0) {
        question_free(lookup, question);
        return;
    }
    if (lookup->answered_count == lookup->settings->keep_most)
        forget_answer(lookup, LIST_MEMBER(lookup->answered.next, struct question, link));
    question->state = ANSWERED;
    question->answer = answer;
    question->forget_at = clock_monotonic_ms() + lookup->settings->keep_ms;
    list_append(&lookup->answered, &question->link);
    lookup->answered_count++;
}

static bool take_token(struct lookup *lookup)
{
    const struct lookup_settings *settings = lookup->settings;
    int64_t now = clock_monotonic_ms();
    lookup->tokens += (double)(now - lookup->tokens_at) * settings->rate / 1000;
    lookup->tokens_at = now;
    if (lookup->tokens > settings->burst)
        lookup->tokens = settings->burst;
    if (lookup->tokens < 1)
        return false;
    lookup->tokens -= 1;
    return true;
}

static void add_waiter(struct lookup *lookup, struct question *question, lookup_answer *answer,
                       void *user)
{
    struct waiter *waiter = memory_allocate(1, sizeof *waiter);
    waiter->answer = answer;
    waiter->user = user;
    list_append(&question->waiters, &waiter->link);
    lookup->waiter_count++;
}

static struct question *open_question(struct lookup *lookup, const struct directory_key *key)
{
    struct question *question = memory_allocate(1, sizeof *question);
    question->key = *key;
    question->deadline = clock_monotonic_ms() + lookup->settings->deadline_ms;
    list_init(&question->waiters);
    list_append(&lookup->waiting, &question->link);
    hash_table_set(lookup->questions, key_view(key), question);
    lookup->open_count++;
    condition_signal(lookup->work);
    return question;
}

static bool can_ask(struct lookup *lookup)
{
    return !lookup->stop && lookup->open_count < lookup->settings->waiting_most &&
           lookup->waiter_count < lookup->settings->waiting_most &&
           clock_monotonic_ms() >= lookup->away_until && take_token(lookup);
}

/* True when the answer is there already. The lock is held. */
static bool ask(struct lookup *lookup, const struct directory_key *key, lookup_answer *answer,
                void *user, enum directory_answer *now)
{
    struct question *question = hash_table_get(lookup->questions, key_view(key));
    *now = DIRECTORY_UNKNOWN;
    if (question != NULL && question->state == ANSWERED) {
        if (clock_monotonic_ms() < question->forget_at) {
            lookup->count.remembered++;
            *now = question->answer;
            return true;
        }
        forget_answer(lookup, question);
        question = NULL;
    }
    if (question != NULL && lookup->waiter_count < lookup->settings->waiting_most) {
        lookup->count.merged++;
    } else if (question == NULL && can_ask(lookup)) {
        question = open_question(lookup, key);
    } else {
        lookup->count.limited++;
        return true;
    }
    add_waiter(lookup, question, answer, user);
    return false;
}

void lookup_ask(struct lookup *lookup, const struct directory_key *key, lookup_answer *answer,
                void *user)
{
    enum directory_answer now;
    lock_acquire(lookup->lock);
    bool done = ask(lookup, key, answer, user, &now);
    lock_release(lookup->lock);
    if (done)
        answer(user, now);
}

void lookup_forget(struct lookup *lookup, const struct directory_key *key)
{
    lock_acquire(lookup->lock);
    struct question *question = hash_table_get(lookup->questions, key_view(key));
    if (question != NULL && question->state == ANSWERED)
        forget_answer(lookup, question);
    else if (question != NULL)
        question->outdated = true;
    lock_release(lookup->lock);
}

void lookup_count(struct lookup *lookup, struct lookup_count *count)
{
    lock_acquire(lookup->lock);
    *count = lookup->count;
    lock_release(lookup->lock);
}

/* Addresses are compared without case by the server; in proxyAddresses they stand behind their type. */
static bool make_filter(const struct provider_run *run, const struct directory_key *key,
                        struct buffer *filter)
{
    char escaped[3 * DIRECTORY_KEY_SIZE + 1];
    search_escape(key->text, key->length, escaped);
    bool good = buffer_append_format(filter, "(&%s(|", run->filter);
    const char *const *attribute = run->settings->rules.address_attributes;
    for (; good && *attribute != NULL; attribute++) {
        bool has_type = view_equal_nocase(view_of_text(*attribute), VIEW("proxyAddresses"));
        good =
            buffer_append_format(filter, "(%s=%s%s)", *attribute, has_type ? "smtp:" : "", escaped);
    }
    return good && buffer_append_text(filter, "))");
}

struct finding {
    struct provider_run *run;
    const struct directory_key *key;
    bool found;
};

static bool take_entry(void *user, LDAPMessage *message, struct error *error)
{
    struct finding *finding = user;
    const struct entry_rules *rules = &finding->run->settings->rules;
    struct entry entry;
    bool good = entry_read(directory_connection_handle(finding->run->connection), message, rules,
                           &entry, error);
    /* Of an entry with a part of its values the server's own comparison has to be believed. */
    finding->found |=
        good && entry_is_recipient(&entry, rules) &&
        (entry.is_partial || address_table_find(entry.object.addresses, finding->key, NULL));
    entry_free(&entry);
    return good;
}

static enum directory_answer search_for(struct provider_run *run, const struct directory_key *key,
                                        struct error *error)
{
    const char *attributes[ENTRY_ATTRIBUTES_MAXIMUM];
    struct finding finding = {run, key, false};
    struct search_end end = {.controls = NULL};
    struct buffer filter;
    buffer_init(&filter, (size_t)64 * 1024);
    entry_attributes(&run->settings->rules, attributes);
    bool good = make_filter(run, key, &filter);
    struct search search = {.base = run->base,
                            .scope = LDAP_SCOPE_SUBTREE,
                            .filter = filter.data,
                            .attributes = attributes,
                            .wait_ms = directory_connection_settings(run->connection)->answer_ms};
    good = good && search_run(run->connection, &search, take_entry, &finding, &end, error);
    ldap_controls_free(end.controls);
    buffer_free(&filter);
    return !good ? DIRECTORY_UNKNOWN : finding.found ? DIRECTORY_PRESENT : DIRECTORY_ABSENT;
}

/* One worker's connection, kept between questions. */
struct line {
    struct directory_connection *connection; /* NULL when there is none */
    struct provider_run run;
};

static void hang_up(struct line *line)
{
    directory_connection_destroy(line->connection);
    line->connection = NULL;
}

static bool dial(struct worker *worker, struct line *line, struct error *error)
{
    if (line->connection != NULL)
        return true;
    line->connection = servers_connect(worker->servers, error);
    if (line->connection != NULL &&
        provider_prepare(&line->run, line->connection, &worker->lookup->source->provider, NULL,
                         error))
        return true;
    hang_up(line);
    return false;
}

/* A connection that was kept may have been closed by the server: then once more, on a new one. */
static enum directory_answer find(struct worker *worker, struct line *line,
                                  const struct directory_key *key)
{
    struct error error = {0};
    enum directory_answer answer = DIRECTORY_UNKNOWN;
    bool was_open = line->connection != NULL;
    for (int tries = was_open ? 2 : 1; tries > 0 && answer == DIRECTORY_UNKNOWN; tries--) {
        if (!dial(worker, line, &error))
            break;
        answer = search_for(&line->run, key, &error);
        if (directory_connection_is_broken(line->connection))
            hang_up(line);
    }
    return answer;
}

/* The next question to ask; NULL at the end. The lock is held. */
static struct question *next_question(struct lookup *lookup)
{
    while (!lookup->stop && list_is_empty(&lookup->waiting))
        condition_wait(lookup->work, lookup->lock);
    if (lookup->stop)
        return NULL;
    struct question *question = LIST_MEMBER(lookup->waiting.next, struct question, link);
    list_remove(&question->link);
    question->state = ASKING;
    lookup->count.asked++;
    return question;
}

static void finish(struct lookup *lookup, struct question *question, enum directory_answer answer,
                   struct list *waiters)
{
    take_waiters(lookup, question, waiters);
    if (answer == DIRECTORY_UNKNOWN) {
        lookup->count.failed++;
        lookup->away_until = clock_monotonic_ms() + lookup->source->retry_least_ms;
    }
    close_question(lookup, question, answer);
}

static void work(void *argument)
{
    struct worker *worker = argument;
    struct lookup *lookup = worker->lookup;
    struct line line = {.connection = NULL};
    struct question *question;
    lock_acquire(lookup->lock);
    while ((question = next_question(lookup)) != NULL) {
        struct directory_key key = question->key;
        struct list waiters;
        list_init(&waiters);
        lock_release(lookup->lock);
        enum directory_answer answer = find(worker, &line, &key);
        lock_acquire(lookup->lock);
        finish(lookup, question, answer, &waiters);
        lock_release(lookup->lock);
        answer_all(&waiters, answer);
        lock_acquire(lookup->lock);
    }
    lock_release(lookup->lock);
    hang_up(&line);
}

/* Questions whose time is up, or all: a question that is being asked goes on for the memory. */
static void expire(struct lookup *lookup, bool all, struct list *waiters)
{
    size_t position = 0;
    int64_t now = clock_monotonic_ms();
    struct view key;
    void *value;
    while (hash_table_next(lookup->questions, &position, &key, &value)) {
        struct question *question = value;
        if (question->state != ANSWERED && (all || question->deadline <= now))
            take_waiters(lookup, question, waiters);
    }
    while (!list_is_empty(&lookup->waiting)) {
        struct question *first = LIST_MEMBER(lookup->waiting.next, struct question, link);
        if (!all && first->deadline > now)
            break;
        list_remove(&first->link);
        lookup->count.failed++;
        close_question(lookup, first, DIRECTORY_UNKNOWN);
    }
}

static void keep_deadlines(void *argument)
{
    struct lookup *lookup = argument;
    struct list waiters;
    list_init(&waiters);
    lock_acquire(lookup->lock);
    while (!lookup->stop) {
        condition_wait_for(lookup->stopping, lookup->lock, INTERVAL_MS);
        if (lookup->open_count == 0)
            continue;
        expire(lookup, lookup->stop, &waiters);
        lock_release(lookup->lock);
        answer_all(&waiters, DIRECTORY_UNKNOWN);
        lock_acquire(lookup->lock);
    }
    lock_release(lookup->lock);
}

static bool prepare_worker(struct lookup *lookup, struct worker *worker, struct watchdog *watchdog,
                           struct error *error)
{
    worker->lookup = lookup;
    worker->watch = watch_create(watchdog);
    worker->servers = servers_create(&lookup->source->servers, worker->watch, error);
    return worker->servers != NULL;
}

static void lookup_free(struct lookup *lookup)
{
    for (unsigned i = 0; i < LOOKUP_THREADS_MAXIMUM; i++) {
        servers_destroy(lookup->workers[i].servers);
        watch_destroy(lookup->workers[i].watch);
    }
    hash_table_destroy(lookup->questions, memory_free);
    condition_destroy(lookup->stopping);
    condition_destroy(lookup->work);
    lock_destroy(lookup->lock);
    memory_free(lookup);
}

struct lookup *lookup_start(const struct source_settings *source,
                            const struct lookup_settings *settings, struct watchdog *watchdog,
                            struct error *error)
{
    struct lookup *lookup = memory_allocate(1, sizeof *lookup);
    lookup->source = source;
    lookup->settings = settings;
    lookup->lock = lock_create();
    lookup->work = condition_create();
    lookup->stopping = condition_create();
    lookup->questions = hash_table_create();
    lookup->tokens = settings->burst;
    lookup->tokens_at = clock_monotonic_ms();
    list_init(&lookup->waiting);
    list_init(&lookup->answered);
    for (unsigned i = 0; i < settings->threads; i++) {
        if (!prepare_worker(lookup, &lookup->workers[i], watchdog, error)) {
            lookup_free(lookup);
            return NULL;
        }
    }
    for (unsigned i = 0; i < settings->threads; i++)
        lookup->workers[i].thread = thread_start("lookup", work, &lookup->workers[i]);
    lookup->clock = thread_start("lookup-clock", keep_deadlines, lookup);
    return lookup;
}

void lookup_stop(struct lookup *lookup)
{
    struct list waiters;
    if (lookup == NULL)
        return;
    list_init(&waiters);
    lock_acquire(lookup->lock);
    lookup->stop = true;
    expire(lookup, true, &waiters);
    condition_broadcast(lookup->work);
    condition_signal(lookup->stopping);
    lock_release(lookup->lock);
    answer_all(&waiters, DIRECTORY_UNKNOWN);
    for (unsigned i = 0; i < lookup->settings->threads; i++)
        watch_cancel(lookup->workers[i].watch);
    for (unsigned i = 0; i < lookup->settings->threads; i++)
        thread_join(lookup->workers[i].thread);
    thread_join(lookup->clock);
    lookup_free(lookup);
}
