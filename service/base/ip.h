/*
 * IP addresses and ranges. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) are taken as IPv4. Any thread.
 */
#ifndef GATEPOST_BASE_IP_H
#define GATEPOST_BASE_IP_H

#include "base/view.h"

struct ip_address {
    bool is_v6;
    uint8_t bytes[16]; /* network order; IPv4 uses the first four */
};

struct ip_range {
    struct ip_address address; /* bits behind the prefix are zero */
    unsigned prefix;           /* 0..32 or 0..128 */
};

#define IP_TEXT_SIZE 46

/* No brackets, no zone. */
bool ip_parse(struct view text, struct ip_address *address);
void ip_format(const struct ip_address *address, char text[IP_TEXT_SIZE]);
bool ip_equal(const struct ip_address *a, const struct ip_address *b);

/* "192.0.2.0/24", "2001:db8::/32", or a single address. False when bits behind the prefix are set. */
bool ip_range_parse(struct view text, struct ip_range *range);
bool ip_range_contains(const struct ip_range *range, const struct ip_address *address);

#endif
