/* The program: what it is told to do stands in cli/. */
#include "cli/cli.h"
#include "platform/text.h"

int main(int count, char **arguments)
{
    console_prepare();
    program_arguments(&count, &arguments);
    return cli_run(count, arguments);
}
