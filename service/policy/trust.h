/* Own hosts: is this client's address in one of the ranges? Immutable; any thread may ask. */
#ifndef GATEPOST_POLICY_TRUST_H
#define GATEPOST_POLICY_TRUST_H

#include "base/ip.h"

struct trust_list;

/* ranges: "192.0.2.0/24", as the settings have checked them; anything else is left out, hence not
 * trusted. */
struct trust_list *trust_list_create(const char *const *ranges, size_t count);
void trust_list_destroy(struct trust_list *list);

bool trust_list_holds(const struct trust_list *list, const struct ip_address *client);

#endif
