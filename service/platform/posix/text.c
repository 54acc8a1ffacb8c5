#include "platform/text.h"

#include "platform/posix/account.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
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

static bool read_line(char *line, size_t size)
{
    if (fgets(line, (int)size, stdin) == NULL)
        return false;
    size_t length = strcspn(line, "\n");
    bool whole = line[length] == '\n';
    line[length] = '\0';
    return whole;
}

bool console_read_hidden(const char *prompt, char *line, size_t size)
{
    struct termios shown, hidden;
    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    bool read = read_line(line, size);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputs("\n", stderr);
    return read;
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
