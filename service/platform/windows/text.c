#include "platform/text.h"

#include "base/memory.h"
#include "platform/windows/account.h"
#include "platform/windows/wide.h"

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#define OUTPUT_BUFFER 8192
#define LINE_MAXIMUM  1024 /* characters that are typed */

void program_arguments(int *count, char ***arguments)
{
    int wide_count;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &wide_count);
    if (wide == NULL)
        return;
    char **texts = memory_allocate((size_t)wide_count + 1, sizeof(*texts));
    for (int i = 0; i < wide_count; i++)
        texts[i] = text_from_wide(wide[i]);
    LocalFree(wide);
    *count = wide_count;
    *arguments = texts;
}

static UINT former_output;
static UINT former_input;

/* The code page belongs to the console window, which outlives this program. */
static void console_restore(void)
{
    fflush(stdout);
    SetConsoleOutputCP(former_output);
    SetConsoleCP(former_input);
}

void console_prepare(void)
{
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
    _setmode(_fileno(stderr), _O_BINARY);
    /* Unbuffered, the C library would give the console one byte of a character at a time. */
    setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
    former_output = GetConsoleOutputCP();
    former_input = GetConsoleCP();
    if (former_output != 0 && atexit(console_restore) == 0) {
        SetConsoleOutputCP(CP_UTF8);
        SetConsoleCP(CP_UTF8);
    }
}

/* With its end, as UTF-16: the console does not give UTF-8 on every Windows. */
static bool read_line(HANDLE console, char *line, size_t size)
{
    wchar_t wide[LINE_MAXIMUM + 1];
    DWORD count;
    if (!ReadConsoleW(console, wide, LINE_MAXIMUM, &count, NULL) || count < 2 ||
        wide[count - 1] != L'\n')
        return false;
    wide[count - 2] = L'\0';
    char *text = text_from_wide(wide);
    int length = snprintf(line, size, "%s", text);
    memory_free(text);
    return length >= 0 && (size_t)length < size;
}

bool console_read_hidden(const char *prompt, char *line, size_t size)
{
    HANDLE console = GetStdHandle(STD_INPUT_HANDLE);
    DWORD mode;
    if (!GetConsoleMode(console, &mode))
        return false;
    fputs(prompt, stderr);
    SetConsoleMode(console, ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT);
    bool read = read_line(console, line, size);
    SetConsoleMode(console, mode);
    fputs("\n", stderr);
    return read;
}

void user_name(char *name, size_t size)
{
    HANDLE token;
    bool known = false;
    if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
        known = account_name_of_token(token, name, size);
        CloseHandle(token);
    }
    if (!known)
        snprintf(name, size, "unknown");
}

void computer_name(char *name, size_t size)
{
    wchar_t wide[256];
    DWORD length = sizeof wide / sizeof wide[0];
    if (GetComputerNameExW(ComputerNameDnsFullyQualified, wide, &length) && wide[0] != L'\0')
        text_copy_wide(wide, name, size);
    else
        snprintf(name, size, "localhost");
}
