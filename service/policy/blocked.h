/* The list of blocked recipients: addresses, and whole domains. Immutable; any thread may ask. */
#ifndef GATEPOST_POLICY_BLOCKED_H
#define GATEPOST_POLICY_BLOCKED_H

#include "ldap/directory.h"

struct blocked_list;

/* patterns: "info@example.test", "*@example.test" or "@example.test"; they must outlive the list. */
struct blocked_list *blocked_list_create(const char *const *patterns, size_t count);
void blocked_list_destroy(struct blocked_list *list);

/* The pattern that blocks the address, NULL when none does. */
const char *blocked_list_match(const struct blocked_list *list,
                               const struct directory_key *address);

#endif
