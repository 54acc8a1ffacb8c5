/*
 * Inside the platform room: what both ends of the named pipe share.
 */
#ifndef GATEPOST_PLATFORM_WINDOWS_CHANNEL_PRIVATE_H
#define GATEPOST_PLATFORM_WINDOWS_CHANNEL_PRIVATE_H

#include "platform/channel.h"
#include "platform/windows/account.h"
#include "platform/windows/wide.h"

#include <aclapi.h>
#include <windows.h>

/* The local group whose members may manage Gatepost; the administrator makes it when he wants it. */
#define CHANNEL_OPERATORS "Gatepost Operators"

/* Bytes in one read or write. */
#define CHANNEL_PART 65536

/* Reading and writing without FILE_APPEND_DATA, which on a pipe is the right to make another
 * instance of it and so to pose as the service. */
#define CHANNEL_CLIENT_ACCESS                                                                      \
    ((FILE_GENERIC_READ | FILE_GENERIC_WRITE) & ~(DWORD)FILE_CREATE_PIPE_INSTANCE)

struct channel {
    HANDLE pipe;
    HANDLE reading; /* events of the call under way */
    HANDLE writing;
    HANDLE cancelled; /* event, stays set */
};

/* Takes the pipe. */
struct channel *channel_of_pipe(HANDLE pipe);

#endif
