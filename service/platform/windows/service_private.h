/*
 * Inside the platform room: what the service and those who ask the Service Control Manager about it share.
 */
#ifndef GATEPOST_PLATFORM_WINDOWS_SERVICE_PRIVATE_H
#define GATEPOST_PLATFORM_WINDOWS_SERVICE_PRIVATE_H

#define SERVICE_NAME L"Gatepost"

#endif
