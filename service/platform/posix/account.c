#include "platform/posix/account.h"

#include <pwd.h>
#include <stdio.h>

void account_name(uid_t user, char *name, size_t size)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char texts[4096];
    if (getpwuid_r(user, &entry, texts, sizeof texts, &found) == 0 && found != NULL)
        snprintf(name, size, "%s", found->pw_name);
    else
        snprintf(name, size, "%lu", (unsigned long)user);
}
