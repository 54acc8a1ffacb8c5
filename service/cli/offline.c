#include "cli/offline.h"

#include "base/memory.h"
#include "cli/ask.h"
#include "config/store.h"
#include "platform/file.h"
#include "platform/text.h"

/* In the data folder, as the service names them. */
#define LOCK_FILE  "gatepost.lock"
#define STORE_FILE "config.db"

static int import_into(const char *path, const json_t *document, json_t **result)
{
    struct error error = {0};
    int64_t revision = 0;
    char who[256];
    user_name(who, sizeof who);
    char *text = json_dumps(document, JSON_COMPACT);
    enum settings_change change =
        settings_store_import(path, view_of_text(text), who, &revision, &error);
    free(text);
    if (change != SETTINGS_CHANGED)
        return cli_fail(CLI_FAILED, "%s", error.text);
    *result = json_object();
    json_object_set_new(*result, "revision", json_integer(revision));
    json_object_set_new(*result, "changed", json_true());
    return CLI_OK;
}

static int import_locked(const char *folder, const json_t *document, json_t **result)
{
    struct error error = {0};
    char *lock_path = path_join(folder, LOCK_FILE);
    char *store_path = path_join(folder, STORE_FILE);
    struct file_lock *lock = file_lock(lock_path, &error);
    int exit = lock == NULL
                   ? cli_fail(CLI_FAILED, "%s While the service runs, import without --offline.",
                              error.text)
                   : import_into(store_path, document, result);
    file_unlock(lock);
    memory_free(store_path);
    memory_free(lock_path);
    return exit;
}

int cli_import_offline(struct cli_call *call, const json_t *document, json_t **result)
{
    struct error error = {0};
    char *folder = cli_data_folder(call);
    int exit = folder_create(folder, &error) ? import_locked(folder, document, result)
                                             : cli_fail(CLI_FAILED, "%s", error.text);
    memory_free(folder);
    return exit;
}
