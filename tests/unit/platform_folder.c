#include "platform_folder.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#define TEXT_MAXIMUM 1000000

char *scratch_folder(void)
{
    uint64_t random;
    char name[48];
    struct error error;
    random_bytes(&random, sizeof random);
    snprintf(name, sizeof name, "scratch-%016llx", (unsigned long long)random);
    ck_assert_msg(folder_create(name, &error), "%s", error.text);
    return memory_copy_text(name);
}

static void delete_file(void *user, const char *name, bool is_folder)
{
    if (is_folder)
        return;
    char *path = path_join(user, name);
    file_delete(path, NULL);
    memory_free(path);
}

void scratch_remove(char *folder)
{
    folder_each(folder, delete_file, folder, NULL);
    rmdir(folder);
    memory_free(folder);
}

char *scratch_text(const char *path)
{
    struct buffer contents;
    struct error error;
    buffer_init(&contents, TEXT_MAXIMUM);
    ck_assert_msg(file_read(path, &contents, &error), "%s", error.text);
    char *text = memory_copy_text(contents.data == NULL ? "" : contents.data);
    buffer_free(&contents);
    return text;
}
