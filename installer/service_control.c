/*
 * A tool of installer/check, since Wine's sc cannot: service_control.exe [CODE]
 *
 * Sends the control code to the service Gatepost, when one is given, and prints its state, exit code and
 * service-specific exit code as numbers. Ends with 1 when the service did not take it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

int main(int count, char **arguments)
{
    SERVICE_STATUS status;
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = OpenServiceW(manager, L"Gatepost", SERVICE_ALL_ACCESS);
    if (service == NULL) {
        printf("error %lu\n", GetLastError());
        return EXIT_FAILURE;
    }
    DWORD code = count > 1 ? strtoul(arguments[1], NULL, 10) : 0;
    BOOL taken = code == 0 || ControlService(service, code, &status);
    if (!taken)
        printf("error %lu\n", GetLastError());
    if (QueryServiceStatus(service, &status))
        printf("state %lu exit %lu specific %lu\n", status.dwCurrentState, status.dwWin32ExitCode,
               status.dwServiceSpecificExitCode);
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    return taken ? EXIT_SUCCESS : EXIT_FAILURE;
}
