/*
 * Inside the platform room: who has access to what Gatepost makes, in Windows' own language (SDDL). These
 * are all the objects that other programs of this computer can reach.
 */
#ifndef GATEPOST_PLATFORM_WINDOWS_ACCESS_H
#define GATEPOST_PLATFORM_WINDOWS_ACCESS_H

#include <windows.h>

/* NT SERVICE\Gatepost, as `sc showsid Gatepost` prints it: the hash of the service's name. The process of the
 * service has it in its token whatever its account is. */
#define SERVICE_IDENTIFIER L"S-1-5-80-935893892-325596253-973027323-1305289520-2151152998"

/* Folders that Gatepost makes. Nothing is inherited from above (P). SYSTEM, Administrators, the service, if
 * its account has no rights of its own, and whoever owns the folder (OW) have full access, here and below.
 * The owner is Administrators when the service or an elevated administrator made it; for anybody else
 * who tries Gatepost in the foreground it is himself, and he may set the access of what he owns anyway. */
#define FOLDER_ACCESS                                                                              \
    L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;" SERVICE_IDENTIFIER L")(A;OICI;FA;;;OW)"

/* The pipe of the management protocol. Users from the network (NU) are denied first. To this come the
 * account of the service, which must be able to make further instances (FA), and the operators with
 * CHANNEL_CLIENT_ACCESS. */
#define CHANNEL_ACCESS L"D:P(D;;FA;;;NU)(A;;FA;;;SY)(A;;FA;;;BA)"

/* The local group whose members may manage Gatepost; the administrator makes it when he wants it. */
#define CHANNEL_OPERATORS "Gatepost Operators"

/* Reading and writing without FILE_APPEND_DATA, which on a pipe is the right to make another instance of it
 * and so to pose as the service. */
#define CHANNEL_CLIENT_ACCESS                                                                      \
    ((FILE_GENERIC_READ | FILE_GENERIC_WRITE) & ~(DWORD)FILE_CREATE_PIPE_INSTANCE)

#endif
