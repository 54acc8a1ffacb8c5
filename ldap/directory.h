/*
 * Who may receive mail. A directory holds every recipient address in memory and answers from there; the
 * local list (here) and directory servers (source.h) fill it. Answers have three values: a directory that
 * cannot say says so.
 *
 * The owner creates and destroys; changes come from one thread at a time (the directory locks for it).
 * Look-ups take no lock: each thread that asks makes a reader of its own, and an entry stays valid until
 * that reader's next call.
 */
#ifndef GATEPOST_LDAP_DIRECTORY_H
#define GATEPOST_LDAP_DIRECTORY_H

#include "base/error.h"
#include "base/view.h"

enum directory_answer {
    DIRECTORY_PRESENT,
    DIRECTORY_ABSENT,
    DIRECTORY_UNKNOWN /* a directory was never read to its end, or it cannot be read: 451, never a guess. A
                         local list that never held an address counts as not read where there is no
                         directory: the day before the first import, mail waits at the senders instead of
                         being refused */
};

/* Room for the name of a directory, with a NUL. */
#define DIRECTORY_NAME_SIZE 65

struct directory_entry {
    struct view address;      /* as stored: domain in lower case, local part as it was given */
    struct view display_name; /* empty when none is known */
    const char *source;       /* "local list", or the name of the directory */
    bool restricted;          /* the directory wants mail from authenticated senders only */
};

/* The form in which addresses are compared. Two addresses are the same mailbox when their keys are equal:
 * letters are folded (ASCII; for SMTPUTF8 addresses simple Unicode case folding), and a quoted local part is
 * taken without its quotes and backslashes (RFC 5321 4.1.2: "john"@example.test is john@example.test). */
#define DIRECTORY_KEY_SIZE 512
struct directory_key {
    size_t length;
    size_t local_length; /* "@" and the domain follow */
    char text[DIRECTORY_KEY_SIZE];
};

/* False when the address is not well-formed: exactly one "@" that is not quoted, 1 to 64 bytes before and 1
 * to 255 behind it, UTF-8, nothing that must be quoted. error (may be NULL) says what is wrong. */
bool directory_key_make(struct view address, struct directory_key *key, struct error *error);

/* The same for a domain alone: local_length is 0 and the text is the domain without "@" and final dot. */
bool directory_key_of_domain(struct view domain, struct directory_key *key, struct error *error);

struct directory;
struct directory_reader;

/* The local list, and what is known from the directory servers, in the SQLite file at `path` (made when it is
 * not there), loaded before it returns. NULL when the file cannot be read. */
struct directory *directory_open_local(const char *path, struct error *error);
void directory_close(struct directory *directory);

struct directory_reader *directory_reader_create(struct directory *directory);
void directory_reader_destroy(struct directory_reader *reader);

/* address: "local@domain" without brackets. Domain and local part are compared without case (ASCII and,
 * for SMTPUTF8 addresses, simple Unicode folding of letters). entry may be NULL. */
enum directory_answer directory_find(struct directory_reader *reader, struct view address,
                                     struct directory_entry *entry);

/* The same for a key that the caller has made already. */
enum directory_answer directory_find_key(struct directory_reader *reader,
                                         const struct directory_key *key,
                                         struct directory_entry *entry);

size_t directory_count(struct directory *directory);

/* Memory that holds addresses and index, bytes. */
size_t directory_memory(struct directory *directory);

/* Time of the last full load, milliseconds. */
uint32_t directory_load_ms(const struct directory *directory);

enum directory_change {
    DIRECTORY_CHANGED,
    DIRECTORY_UNCHANGED,
    DIRECTORY_BAD_ADDRESS,
    DIRECTORY_FAILED
};

/* In the file and in memory when they return. */
enum directory_change directory_add(struct directory *directory, struct view address,
                                    struct view display_name, struct error *error);
enum directory_change directory_remove(struct directory *directory, struct view address,
                                       struct error *error);

/* What an import does with addresses that are in the list and not in the file. */
enum directory_import_mode { DIRECTORY_IMPORT_ADD, DIRECTORY_IMPORT_REPLACE };

struct directory_import_result {
    size_t added;
    size_t removed;
    size_t unchanged;       /* were in the list already; a new display name is taken over */
    size_t skipped;         /* lines or entries that hold no address */
    size_t bad;             /* addresses that are not well-formed, and were left out */
    struct error first_bad; /* line number and reason of the first bad one */
};

/* The largest file that is imported, bytes. */
#define DIRECTORY_IMPORT_MAXIMUM ((size_t)512 * 1024 * 1024)

/* One transaction: all or nothing. Addresses that are not well-formed are counted and left out; a file
 * that cannot be read to its end, or that holds no address at all, changes nothing. The format is told by
 * the content: LDIF ("dn:" first; attributes proxyAddresses smtp:/SMTP:, mail, displayName/cn; base64
 * values, folded lines, comments, change records refused) or CSV (RFC 4180; with or without a header row;
 * columns named address, mail, e-mail, emailaddress, primarysmtpaddress, emailaddresses or
 * proxyaddresses, else the first; display name by displayname or name; separator comma, semicolon or
 * tab), UTF-8 with or without a byte order mark, UTF-16 with one. contents: the whole file. */
bool directory_import(struct directory *directory, struct view contents,
                      enum directory_import_mode mode, struct directory_import_result *result,
                      struct error *error);

/* What the local list and the directory servers have, in address order after `after` (empty = from the start), at
 * most `limit`; filter: a part of the address, empty for all. Calls back for each (which must not call the
 * directory); returns how many. error is emptied first, and filled when the file cannot be read. */
size_t directory_list(struct directory *directory, struct view after, struct view filter,
                      size_t limit, void (*each)(void *user, const struct directory_entry *entry),
                      void *user, struct error *error);

/* Forgets what is known from directory servers other than these, whose sources (source.h) were stopped. */
bool directory_keep_sources(struct directory *directory, const char *const *names, size_t count,
                            struct error *error);

/* The entry behind an address. */
struct directory_holder {
    const char *source;               /* as in struct directory_entry */
    char display_name[512];           /* empty when none is known */
    char primary[DIRECTORY_KEY_SIZE]; /* the entry's first address; empty in the local list */
    bool restricted;
};

/* *found: whether there is one. Reads the file: for one question of an administrator. */
bool directory_find_holder(struct directory *directory, struct view address, bool *found,
                           struct directory_holder *holder, struct error *error);

#endif
