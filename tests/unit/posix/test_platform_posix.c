/* rooms: platform base */
/* with: platform_folder.c */
/* What the host has of its own: the socket file of the channel, signals. */
#include "unit.h"

#include "base/memory.h"
#include "platform/channel.h"
#include "platform/file.h"
#include "platform/service.h"
#include "platform/thread.h"
#include "platform_folder.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 60000

static char *folder;
static char *name;

static void make_name(void)
{
    folder = scratch_folder();
    name = channel_default_name(folder);
}

static void free_name(void)
{
    memory_free(name);
    scratch_remove(folder);
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_mode & 0777;
}

START_TEST(only_the_owner_has_access)
{
    struct channel_server *server = channel_server_create(name, NULL);
    char *path = path_join(folder, "file");
    file_close(file_create(path, NULL));
    ck_assert_uint_eq(mode_of(folder), 0700);
    ck_assert_uint_eq(mode_of(name), 0600);
    ck_assert_uint_eq(mode_of(path), 0600);
    channel_server_destroy(server);
    memory_free(path);
}
END_TEST

START_TEST(a_name_is_served_once)
{
    struct error error = {0};
    enum channel_failure failure;
    struct channel_server *server = channel_server_create(name, &error);
    ck_assert_msg(server != NULL, "%s", error.text);
    ck_assert_ptr_null(channel_server_create(name, &error));
    ck_assert_msg(strstr(error.text, name) != NULL, "%s", error.text);
    struct channel *client = channel_connect(NULL, name, PATIENCE_MS, &failure, &error);
    ck_assert_msg(client != NULL, "%s", error.text);
    channel_close(client);
    channel_server_destroy(server);
}
END_TEST

START_TEST(a_socket_that_was_left_behind_is_replaced)
{
    struct error error;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int handle = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    ck_assert_int_eq(bind(handle, (struct sockaddr *)&address, sizeof address), 0);
    close(handle);
    struct channel_server *server = channel_server_create(name, &error);
    ck_assert_msg(server != NULL, "%s", error.text);
    channel_server_destroy(server);
}
END_TEST

/* What the program of a service was asked for, until it was asked to stop. */
struct asked {
    struct lock *lock;
    struct condition *changed;
    enum service_control controls[8];
    int count;
};

static void control(enum service_control asked_for, void *user)
{
    struct asked *asked = user;
    lock_acquire(asked->lock);
    asked->controls[asked->count++] = asked_for;
    condition_signal(asked->changed);
    lock_release(asked->lock);
}

/* One after the other, for signals that wait together have no order. */
static int run(struct service_host *host, void *user)
{
    static const int signals[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM};
    struct asked *asked = user;
    service_report_starting(host, 1000);
    service_report_running(host);
    lock_acquire(asked->lock);
    for (int i = 0; i < 4; i++) {
        kill(getpid(), signals[i]);
        while (asked->count == i)
            condition_wait(asked->changed, asked->lock);
    }
    lock_release(asked->lock);
    service_report_paused(host);
    service_report_stopping(host, 1000);
    return SERVICE_EXIT_LISTEN;
}

START_TEST(signals_are_controls)
{
    static const enum service_control expected[] = {SERVICE_ASKED_TO_RELOAD, SERVICE_ASKED_TO_PAUSE,
                                                    SERVICE_ASKED_TO_CONTINUE,
                                                    SERVICE_ASKED_TO_STOP};
    struct asked asked = {.lock = lock_create(), .changed = condition_create()};
    struct service_program program = {run, control, &asked};
    ck_assert_int_eq(service_run_foreground(&program), SERVICE_EXIT_LISTEN);
    ck_assert_int_eq(asked.count, 4);
    ck_assert_mem_eq(asked.controls, expected, sizeof expected);
    condition_destroy(asked.changed);
    lock_destroy(asked.lock);
}
END_TEST

START_TEST(there_is_no_service_manager)
{
    struct service_program program = {run, control, NULL};
    struct error error = {0};
    ck_assert_int_eq(service_run_managed(&program, &error), SERVICE_EXIT_USAGE);
    ck_assert_str_ne(error.text, "");
    ck_assert(!service_start(&error));
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("host");
    tcase_add_checked_fixture(tests, make_name, free_name);
    tcase_add_test(tests, only_the_owner_has_access);
    tcase_add_test(tests, a_name_is_served_once);
    tcase_add_test(tests, a_socket_that_was_left_behind_is_replaced);
    tcase_add_test(tests, signals_are_controls);
    tcase_add_test(tests, there_is_no_service_manager);
    Suite *suite = suite_create("platform of the host");
    suite_add_tcase(suite, tests);
    return suite;
}
