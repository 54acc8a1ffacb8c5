/*
 * Inside the platform room: what both ends of the named pipe share.
 */
#ifndef GATEPOST_PLATFORM_WINDOWS_CHANNEL_PRIVATE_H
#define GATEPOST_PLATFORM_WINDOWS_CHANNEL_PRIVATE_H

#include "platform/channel.h"
#include "platform/windows/access.h"
#include "platform/windows/account.h"
#include "platform/windows/wide.h"

#include <aclapi.h>
#include <windows.h>

/* Bytes in one read or write. */
#define CHANNEL_PART 65536

struct channel {
    HANDLE pipe;
    HANDLE reading; /* events of the call under way */
    HANDLE writing;
    HANDLE cancelled; /* event, stays set */
};

/* Takes the pipe. */
struct channel *channel_of_pipe(HANDLE pipe);

#endif
