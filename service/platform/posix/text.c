#include "platform/text.h"

#include "platform/posix/account.h"

#include <stdio.h>
#include <unistd.h>

void program_arguments(int *count, char ***arguments)
{
    /* The system's arguments are UTF-8 already. */
    (void)count;
    (void)arguments;
}

void console_prepare(void)
{
}

void user_name(char *name, size_t size)
{
    account_name(geteuid(), name, size);
}

/* Not through the resolver: where the name server is away, it would hold the start up for many seconds. */
void computer_name(char *name, size_t size)
{
    if (gethostname(name, size) != 0)
        snprintf(name, size, "localhost");
    name[size - 1] = '\0';
}
