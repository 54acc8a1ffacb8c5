/*
 * The rules that settings.def names for texts. Each appends the form that is kept (lower case, without
 * what does not matter) to *canonical, or fills *error with a sentence without the path. text: UTF-8
 * without NUL. Pure; any thread.
 */
#ifndef GATEPOST_CONFIG_SETTINGS_CHECK_H
#define GATEPOST_CONFIG_SETTINGS_CHECK_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/view.h"

/* "*", or an IP address. */
bool settings_check_listen_address(struct view text, struct buffer *canonical, struct error *error);

/* What a person calls something: not empty, one line. */
bool settings_check_name(struct view text, struct buffer *canonical, struct error *error);

/* A domain name in ASCII, or empty. */
bool settings_check_host_name_or_empty(struct view text, struct buffer *canonical,
                                       struct error *error);

/* A mail domain: letters, digits, hyphens and dots, UTF-8 labels too (RFC 5321 4.1.2, RFC 6531 3.3). */
bool settings_check_domain(struct view text, struct buffer *canonical, struct error *error);

/* A domain name in ASCII, an IP address (also in brackets, as smart hosts are often written), or empty. */
bool settings_check_host_or_empty(struct view text, struct buffer *canonical, struct error *error);

/* "local@domain" without quotes, or empty. */
bool settings_check_mailbox_or_empty(struct view text, struct buffer *canonical,
                                     struct error *error);

/* An IP address, or a range as "192.0.2.0/24". */
bool settings_check_ip_range(struct view text, struct buffer *canonical, struct error *error);

/* "local@domain" or "*@domain". */
bool settings_check_recipient_pattern(struct view text, struct buffer *canonical,
                                      struct error *error);

/* One of the punctuation characters that a local part may have, or empty. */
bool settings_check_detail_separator(struct view text, struct buffer *canonical,
                                     struct error *error);

/* The full path of a folder, as any of the systems writes it, or empty. */
bool settings_check_folder_or_empty(struct view text, struct buffer *canonical,
                                    struct error *error);

/* The same of a file. */
bool settings_check_file_or_empty(struct view text, struct buffer *canonical, struct error *error);

/* One line without control characters, or empty. */
bool settings_check_line_or_empty(struct view text, struct buffer *canonical, struct error *error);

/* "host" or "host:port"; an IPv6 address with a port is in brackets. */
bool settings_check_server(struct view text, struct buffer *canonical, struct error *error);

/* The same with an IP address only. */
bool settings_check_dns_server(struct view text, struct buffer *canonical, struct error *error);

/* An LDAP filter (RFC 4515) as far as its parentheses tell, or empty. */
bool settings_check_ldap_filter_or_empty(struct view text, struct buffer *canonical,
                                         struct error *error);

/* The name of an LDAP attribute (RFC 4512 1.4). */
bool settings_check_ldap_attribute(struct view text, struct buffer *canonical, struct error *error);

/* The parts of what settings_check_server() takes; port 0 when it names none. False when it is not one. */
bool settings_split_server(struct view text, struct view *host, uint16_t *port);

/* For messages about a text that may hold anything: cut, without control characters. Returns `shown`. */
#define SETTINGS_SHOWN_SIZE 100
const char *settings_show(struct view text, char shown[SETTINGS_SHOWN_SIZE]);

#endif
