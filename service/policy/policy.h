/*
 * One question each: may this connection, this recipient pass? A policy is compiled from one settings
 * snapshot and never changes; a change of settings makes a new one. Counted; any thread may ask. Answers
 * come from memory at once; where memory alone must not decide, the policy says who has to be asked first.
 */
#ifndef GATEPOST_POLICY_POLICY_H
#define GATEPOST_POLICY_POLICY_H

#include "base/ip.h"
#include "base/live.h"
#include "base/verdict.h"
#include "config/settings.h"
#include "ldap/directory.h"

struct policy;

/* Keeps the snapshot retained. */
struct policy *policy_create(const struct settings_snapshot *snapshot);
struct policy *policy_retain(struct policy *policy);
void policy_release(struct policy *policy);
const struct settings_snapshot *policy_settings(const struct policy *policy);

/* Own hosts (message_delivery.trusted_hosts). */
bool policy_trusts(const struct policy *policy, const struct ip_address *client);

/* What the policy knows of a client. */
struct policy_client {
    struct ip_address address;
    bool trusted; /* policy_trusts() */
    bool authenticated;
    bool recipient_filter; /* the listening address applies it */
};

/* Whether the harvest defence (harvest.h) concerns this client: a stranger whose recipients are filtered, and whom
 * the settings do not exempt. */
bool policy_watches(const struct policy *policy, const struct policy_client *client);

/* The accepted domain that `domain` belongs to, NULL for none. */
const struct settings_accepted_domain *policy_domain(const struct policy *policy,
                                                     struct view domain);

/* Who knows recipients. */
struct policy_sources {
    struct directory_reader *reader;     /* memory; the asking thread's own */
    const struct live_source *directory; /* the directory servers themselves; NULL: nobody to ask */
    const struct live_source *callout;   /* the next hops of domains; NULL: nobody can say */
};

/* Who has to be asked before there is a verdict. */
enum policy_asks { POLICY_DECIDED, POLICY_ASK_DIRECTORY, POLICY_ASK_CALLOUT };

/* What is asked about one recipient: the directory about the address, and about the address without its detail; or
 * the next hop about the address. */
enum policy_live_slot {
    POLICY_LIVE_ADDRESS,
    POLICY_LIVE_PLAIN,
    POLICY_LIVE_CALLOUT,
    POLICY_LIVE_SLOTS
};

/* Live answers about one recipient. Begins with `known` 0; whoever asks puts the answer about `wanted` into
 * answers[slot] by policy_live_add(), and asks the policy again. */
struct policy_live {
    unsigned known; /* slots that hold an answer, one bit each */
    enum policy_live_slot slot;
    const struct live_source *source; /* whom to ask */
    struct view wanted; /* for the directory the text of a struct directory_key; into `text` */
    char text[DIRECTORY_KEY_SIZE];
    struct live_answer answers[POLICY_LIVE_SLOTS];
};

/* answers[slot] is filled. */
void policy_live_add(struct policy_live *live);

/* What the last answer has for the administrator; empty when there was none. */
const char *policy_live_reason(const struct policy_live *live);

/* May this recipient be taken? Fills *verdict; on a pass *delivered_to is the address that the message is to be
 * stored under: postmaster's mailbox, the address without detail is NOT substituted (the detail stays), otherwise
 * the one that was asked. It points into `scratch` (at least 330 bytes) or into `recipient`.
 * recipient: "local@domain", or "postmaster" alone. When somebody has to be asked first there is no verdict yet, and
 * live->source and live->wanted say whom, and about which address.
 *
 * The verdict names its rule; in the order in which they are asked:
 *   address-malformed         501  no mail address (the session has refused it before)
 *   postmaster                250  always, whatever the lists say; 451 when there is no mailbox for it yet
 *   relay-denied              550  not an accepted domain, and the client is a stranger
 *   no-route                  550  not an accepted domain, and there is no smart host
 *   relay-allowed             250  not an accepted domain; a trusted or authenticated client, by smart host
 *   client-trusted            250  recipients of own hosts are not filtered
 *   client-authenticated      250
 *   recipient-blocked         550  in the list of blocked recipients
 *   domain-relay              250  the next hop decides, and is not asked before
 *   filter-not-applied        250  off in the settings, or for the listening address
 *   callout-accepted          250  the next hop was asked, and knows the recipient
 *   callout-catch-all         250  the next hop accepts everything
 *   callout-refused           550
 *   callout-unavailable       451
 *   recipient-known           250  in the directory, as it is or without its detail
 *   sender-not-authenticated  550  in the directory, which wants mail for it from authenticated senders only
 *   recipient-unknown         550
 *   directory-unavailable     451 */
enum policy_asks policy_check_recipient(const struct policy *policy,
                                        const struct policy_sources *sources,
                                        const struct policy_client *client, struct view recipient,
                                        struct policy_live *live, char *scratch,
                                        size_t scratch_size, struct view *delivered_to,
                                        struct verdict *verdict);

/* The same walk, told step by step for `recipient explain`: each step is a rule name, whether it decided, and a
 * sentence. Same code as policy_check_recipient(), so that they cannot differ. A live answer that would have to be
 * asked for and is not in `live` counts as "cannot say". */
struct policy_step {
    const char *rule;
    bool decided;
    const char *sentence;
};
void policy_explain_recipient(const struct policy *policy, const struct policy_sources *sources,
                              const struct policy_client *client, struct view recipient,
                              const struct policy_live *live,
                              void (*step)(void *user, const struct policy_step *step), void *user,
                              struct verdict *verdict);

#endif
