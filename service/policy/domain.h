/* Accepted domains: whose mail do we take? Immutable; any thread may ask. */
#ifndef GATEPOST_POLICY_DOMAIN_H
#define GATEPOST_POLICY_DOMAIN_H

#include "base/view.h"
#include "config/settings.h"

struct domain_table;

/* Points into the settings, which must outlive it. */
struct domain_table *domain_table_create(const struct settings_accepted_domain *domains,
                                         size_t count);
void domain_table_destroy(struct domain_table *table);

/* folded: as in a struct directory_key. NULL when the domain is not accepted. */
const struct settings_accepted_domain *domain_table_find(const struct domain_table *table,
                                                         struct view folded);

#endif
