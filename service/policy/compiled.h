/* What a policy is made of; for this room only. */
#ifndef GATEPOST_POLICY_COMPILED_H
#define GATEPOST_POLICY_COMPILED_H

#include "policy/blocked.h"
#include "policy/domain.h"
#include "policy/policy.h"
#include "policy/trust.h"

#include <stdatomic.h>

struct policy {
    atomic_uint references;
    const struct settings_snapshot *settings;
    struct trust_list *trusted;
    struct trust_list *exempt; /* from the harvest defence */
    struct domain_table *domains;
    struct blocked_list *blocked;
    char *postmaster; /* its mailbox; NULL when none is set and no domain is accepted */
};

#endif
