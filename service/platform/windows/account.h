/*
 * Inside the platform room: names and identifiers of accounts. Any thread.
 */
#ifndef GATEPOST_PLATFORM_WINDOWS_ACCOUNT_H
#define GATEPOST_PLATFORM_WINDOWS_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

/* "DOMAIN\user" of an access token, its identifier where it has no name; cut at size - 1. */
bool account_name_of_token(HANDLE token, char *name, size_t size);

/* The identifier ("S-1-5-...") of this process's user; the caller frees it with LocalFree(). NULL when
 * the system does not tell. */
wchar_t *account_own_sid(void);

/* The same of a local group, NULL when there is no such group. */
wchar_t *account_group_sid(const wchar_t *group);

/* Whether it is SYSTEM, Administrators, the service (NT SERVICE\Gatepost), this process's
 * user or the owner that it gives to what it makes. */
bool account_is_trusted(PSID sid);

#endif
