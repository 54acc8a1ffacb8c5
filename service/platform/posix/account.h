/*
 * Inside the platform room: names of accounts. Any thread.
 */
#ifndef GATEPOST_PLATFORM_POSIX_ACCOUNT_H
#define GATEPOST_PLATFORM_POSIX_ACCOUNT_H

#include <stddef.h>
#include <sys/types.h>

/* The number where there is no name; cut at size - 1. */
void account_name(uid_t user, char *name, size_t size);

#endif
