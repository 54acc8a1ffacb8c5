#include "policy/policy.h"

#include "base/memory.h"
#include "policy/compiled.h"

static char *postmaster_of(const struct settings_settings *settings)
{
    static const char local_part[] = "postmaster@";
    if (settings->message_delivery.postmaster[0] != '\0')
        return memory_copy_text(settings->message_delivery.postmaster);
    if (settings->accepted_domains_count == 0)
        return NULL;
    const char *domain = settings->accepted_domains[0].domain;
    size_t prefix_length = sizeof local_part - 1, domain_length = strlen(domain);
    char *address = memory_allocate(prefix_length + domain_length + 1, 1);
    memcpy(address, local_part, prefix_length);
    memcpy(address + prefix_length, domain, domain_length);
    return address;
}

struct policy *policy_create(const struct settings_snapshot *snapshot)
{
    const struct settings_settings *settings = &snapshot->values;
    struct policy *policy = memory_allocate(1, sizeof *policy);
    atomic_init(&policy->references, 1);
    policy->settings = settings_retain(snapshot);
    policy->trusted = trust_list_create(settings->message_delivery.trusted_hosts,
                                        settings->message_delivery.trusted_hosts_count);
    policy->exempt = trust_list_create(settings->harvest.exempt, settings->harvest.exempt_count);
    policy->domains =
        domain_table_create(settings->accepted_domains, settings->accepted_domains_count);
    policy->blocked = blocked_list_create(settings->recipient_filter.blocked,
                                          settings->recipient_filter.blocked_count);
    policy->postmaster = postmaster_of(settings);
    return policy;
}

struct policy *policy_retain(struct policy *policy)
{
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void policy_release(struct policy *policy)
{
    /* Acquire and release: whoever frees it must have seen the last use by every other thread. */
    if (policy == NULL ||
        atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) > 1)
        return;
    trust_list_destroy(policy->trusted);
    trust_list_destroy(policy->exempt);
    domain_table_destroy(policy->domains);
    blocked_list_destroy(policy->blocked);
    memory_free(policy->postmaster);
    settings_release(policy->settings);
    memory_free(policy);
}

const struct settings_snapshot *policy_settings(const struct policy *policy)
{
    return policy->settings;
}

bool policy_trusts(const struct policy *policy, const struct ip_address *client)
{
    return trust_list_holds(policy->trusted, client);
}

bool policy_watches(const struct policy *policy, const struct policy_client *client)
{
    return client->recipient_filter && !client->trusted && !client->authenticated &&
           !trust_list_holds(policy->exempt, &client->address);
}

const struct settings_accepted_domain *policy_domain(const struct policy *policy,
                                                     struct view domain)
{
    struct directory_key key;
    if (!directory_key_of_domain(domain, &key, NULL))
        return NULL;
    return domain_table_find(policy->domains, view_of(key.text, key.length));
}
