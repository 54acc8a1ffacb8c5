/* rooms: platform base */
/* What Windows has of its own: the message table of the program, paths, access, accounts. */
#include "unit.h"

#include "base/error.h"
#include "base/memory.h"
#include "platform/channel.h"
#include "platform/file.h"
#include "platform/service.h"
#include "platform/system_error.h"
#include "platform/windows/access.h"
#include "platform/windows/account.h"
#include "platform/windows/event_message.h"
#include "platform/windows/wide.h"

#include <sddl.h>
#include <stdio.h>
#include <windows.h>

#include <bcrypt.h>

static const enum event_id event_ids[] = {
#define EVENT(symbol, number, severity, category, text) EVENT_##symbol,
#include "base/events.def"
#undef EVENT
};

static const char *const inserts[EVENT_INSERTS_MAXIMUM] = {
    "one", "tw\xC3\xB6", "three", "four", "five", "six", "seven", "eight", "nine"};

/* The program beside which the tests are built. */
static HMODULE open_program(void)
{
    char *folder = program_folder();
    char *path = path_join(folder, "..\\..\\service\\gatepost.exe");
    wchar_t *wide = wide_path(path);
    HMODULE program = LoadLibraryExW(wide, NULL, LOAD_LIBRARY_AS_DATAFILE);
    ck_assert_msg(program != NULL, "%s: error %lu", path, GetLastError());
    memory_free(folder);
    memory_free(path);
    memory_free(wide);
    return program;
}

/* As the Event Viewer does it. The caller frees it. */
static char *message_of(HMODULE program, DWORD id)
{
    wchar_t *wide_inserts[EVENT_INSERTS_MAXIMUM];
    wchar_t wide[2000];
    for (int i = 0; i < EVENT_INSERTS_MAXIMUM; i++)
        wide_inserts[i] = wide_from_text(inserts[i]);
    DWORD length =
        FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY, program, id, 0,
                       wide, sizeof wide / sizeof wide[0], (va_list *)(void *)wide_inserts);
    ck_assert_msg(length > 0, "message 0x%lx: error %lu", id, GetLastError());
    for (int i = 0; i < EVENT_INSERTS_MAXIMUM; i++)
        memory_free(wide_inserts[i]);
    return text_from_wide(wide);
}

START_TEST(event_viewer_shows_what_the_journal_says)
{
    HMODULE program = open_program();
    for (size_t i = 0; i < sizeof event_ids / sizeof event_ids[0]; i++) {
        char expected[2000];
        const struct event_description *event = event_describe(event_ids[i]);
        event_format(event->id, inserts, EVENT_INSERTS_MAXIMUM, expected, sizeof expected);
        char *shown = message_of(program, event_message_id(event));
        ck_assert_str_eq(shown, expected);
        memory_free(shown);
    }
    FreeLibrary(program);
}
END_TEST

START_TEST(every_category_is_in_the_table)
{
    HMODULE program = open_program();
    for (size_t i = 0; i < sizeof event_ids / sizeof event_ids[0]; i++) {
        const struct event_description *event = event_describe(event_ids[i]);
        uint16_t category = event_category_number(event->category);
        ck_assert_uint_ge(category, 1);
        ck_assert_uint_le(category, EVENT_CATEGORIES);
        char *shown = message_of(program, category);
        ck_assert_str_eq(shown, event->category);
        memory_free(shown);
    }
    FreeLibrary(program);
}
END_TEST

START_TEST(event_viewer_shows_the_number_of_the_event)
{
    const struct event_description *event = event_describe(EVENT_LISTEN_FAILED);
    ck_assert_uint_eq(event_message_id(event), 0xC00000C9u);
    ck_assert_uint_eq(event_message_id(event) & 0xFFFF, 201);
}
END_TEST

static void becomes(const char *path, const wchar_t *expected)
{
    wchar_t *wide = wide_path(path);
    ck_assert_msg(wcscmp(wide, expected) == 0, "%s became %ls", path, wide);
    memory_free(wide);
}

START_TEST(paths_are_full_and_have_no_limit)
{
    becomes("C:\\a\\b", L"\\\\?\\C:\\a\\b");
    becomes("C:/a/../m\xC3\xBCll", L"\\\\?\\C:\\m\u00FCll");
    becomes("\\\\server\\share\\a", L"\\\\?\\UNC\\server\\share\\a");
    becomes("\\\\?\\C:\\a", L"\\\\?\\C:\\a");
    becomes("\\\\.\\pipe\\a", L"\\\\.\\pipe\\a");
}
END_TEST

START_TEST(parent_of_a_root_is_the_root)
{
    char *above = path_parent("C:\\a"), *top = path_parent("C:\\"), *mixed = path_parent("C:\\a/b");
    ck_assert_str_eq(above, "C:\\");
    ck_assert_str_eq(top, "C:\\");
    ck_assert_str_eq(mixed, "C:\\a");
    memory_free(above);
    memory_free(top);
    memory_free(mixed);
}
END_TEST

START_TEST(bad_text_is_replaced)
{
    wchar_t *wide = wide_from_text("a\xFFz");
    ck_assert(wcscmp(wide, L"a\uFFFDz") == 0);
    memory_free(wide);
    wchar_t half[] = {L'a', 0xD800, L'z', 0};
    char *text = text_from_wide(half);
    ck_assert_str_eq(text, "a\xEF\xBF\xBDz");
    memory_free(text);
}
END_TEST

START_TEST(windows_says_why)
{
    struct error error;
    ck_assert(!system_error_set(&error, ERROR_FILE_NOT_FOUND, "%s cannot be opened", "x"));
    ck_assert_int_eq(error.code, ERROR_FILE_NOT_FOUND);
    ck_assert_msg(strncmp(error.text, "x cannot be opened: ", 20) == 0, "%s", error.text);
    ck_assert_msg(strlen(error.text) > 22, "%s", error.text);
    ck_assert(strchr(error.text, '\r') == NULL);
    system_error_set(&error, 0x2FFFFFFF, "x");
    ck_assert_str_eq(error.text, "x: Windows error 805306367.");
    char long_path[1000];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    system_error_set(&error, 0x2FFFFFFF, "%s", long_path);
    ck_assert_ptr_nonnull(strstr(error.text, "Windows error 805306367."));
}
END_TEST

static ACL *list_of(const wchar_t *description, PSECURITY_DESCRIPTOR *security)
{
    SECURITY_DESCRIPTOR_CONTROL control;
    DWORD revision;
    BOOL present, defaulted;
    ACL *list;
    ck_assert(ConvertStringSecurityDescriptorToSecurityDescriptorW(description, SDDL_REVISION_1,
                                                                   security, NULL));
    ck_assert(GetSecurityDescriptorControl(*security, &control, &revision));
    ck_assert((control & SE_DACL_PROTECTED) != 0);
    ck_assert(GetSecurityDescriptorDacl(*security, &present, &list, &defaulted));
    return list;
}

static ACCESS_ALLOWED_ACE *entry_of(ACL *list, DWORD index)
{
    void *entry;
    ck_assert(GetAce(list, index, &entry));
    return entry;
}

START_TEST(folder_is_for_administrators_and_the_service)
{
    static const wchar_t *const who[] = {L"S-1-5-18", L"S-1-5-32-544", SERVICE_IDENTIFIER,
                                         L"S-1-3-4"};
    PSECURITY_DESCRIPTOR security;
    ACL *list = list_of(FOLDER_ACCESS, &security);
    ck_assert_uint_eq(list->AceCount, 4);
    for (DWORD i = 0; i < 4; i++) {
        ACCESS_ALLOWED_ACE *entry = entry_of(list, i);
        PSID expected;
        ck_assert(ConvertStringSidToSidW(who[i], &expected));
        ck_assert_uint_eq(entry->Header.AceType, ACCESS_ALLOWED_ACE_TYPE);
        ck_assert_uint_eq(entry->Header.AceFlags, OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE);
        ck_assert_uint_eq(entry->Mask, FILE_ALL_ACCESS);
        ck_assert(EqualSid(&entry->SidStart, expected));
        LocalFree(expected);
    }
    LocalFree(security);
}
END_TEST

/* The rule of Windows: SHA-1 of the name in capitals and UTF-16, as five numbers. */
START_TEST(identifier_of_the_service_is_the_hash_of_its_name)
{
    wchar_t name[] = L"GATEPOST";
    uint32_t hash[5];
    wchar_t expected[80];
    BCRYPT_ALG_HANDLE algorithm;
    BCRYPT_HASH_HANDLE state;
    ck_assert_int_eq(BCryptOpenAlgorithmProvider(&algorithm, L"SHA1", NULL, 0), 0);
    ck_assert_int_eq(BCryptCreateHash(algorithm, &state, NULL, 0, NULL, 0, 0), 0);
    BCryptHashData(state, (UCHAR *)name, sizeof name - sizeof name[0], 0);
    BCryptFinishHash(state, (UCHAR *)hash, sizeof hash, 0);
    BCryptDestroyHash(state);
    BCryptCloseAlgorithmProvider(algorithm, 0);
    swprintf(expected, sizeof expected / sizeof expected[0], L"S-1-5-80-%u-%u-%u-%u-%u", hash[0],
             hash[1], hash[2], hash[3], hash[4]);
    ck_assert_msg(wcscmp(SERVICE_IDENTIFIER, expected) == 0, "%ls", expected);
}
END_TEST

START_TEST(pipe_denies_the_network_first)
{
    PSECURITY_DESCRIPTOR security;
    ACL *list = list_of(CHANNEL_ACCESS, &security);
    ck_assert_uint_eq(list->AceCount, 3);
    ACCESS_ALLOWED_ACE *entry = entry_of(list, 0);
    ck_assert_uint_eq(entry->Header.AceType, ACCESS_DENIED_ACE_TYPE);
    ck_assert(IsWellKnownSid(&entry->SidStart, WinNetworkSid));
    ck_assert(IsWellKnownSid(&entry_of(list, 1)->SidStart, WinLocalSystemSid));
    ck_assert(IsWellKnownSid(&entry_of(list, 2)->SidStart, WinBuiltinAdministratorsSid));
    /* Operators can talk, and cannot make an instance of the pipe. */
    ck_assert_uint_eq(CHANNEL_CLIENT_ACCESS & FILE_CREATE_PIPE_INSTANCE, 0);
    ck_assert_uint_eq(CHANNEL_CLIENT_ACCESS & FILE_READ_DATA, FILE_READ_DATA);
    ck_assert_uint_eq(CHANNEL_CLIENT_ACCESS & FILE_WRITE_DATA, FILE_WRITE_DATA);
    LocalFree(security);
}
END_TEST

START_TEST(users_are_not_trusted)
{
    static const struct {
        const wchar_t *sid;
        bool trusted;
    } cases[] = {
        {L"S-1-5-18", true},      /* SYSTEM */
        {L"S-1-5-32-544", true},  /* Administrators */
        {L"S-1-5-32-545", false}, /* Users */
        {L"S-1-1-0", false},      /* Everyone */
        {L"S-1-5-21-1-2-3-1001", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PSID sid;
        ck_assert(ConvertStringSidToSidW(cases[i].sid, &sid));
        ck_assert_msg(account_is_trusted(sid) == cases[i].trusted, "%ls", cases[i].sid);
        LocalFree(sid);
    }
    wchar_t *own = account_own_sid();
    PSID sid;
    ck_assert_ptr_nonnull(own);
    ck_assert(ConvertStringSidToSidW(own, &sid));
    ck_assert(account_is_trusted(sid));
    LocalFree(sid);
    LocalFree(own);
    ck_assert_ptr_null(account_group_sid(L"A group that nobody has made"));
}
END_TEST

static void is_named(const char *data_folder, const char *other, bool same)
{
    char *name = channel_default_name(data_folder), *second = channel_default_name(other);
    ck_assert_msg((strcmp(name, second) == 0) == same, "%s: %s, %s: %s", data_folder, name, other,
                  second);
    memory_free(name);
    memory_free(second);
}

START_TEST(each_data_folder_has_a_pipe)
{
    char *usual = default_data_folder();
    char *name = channel_default_name(usual);
    ck_assert_str_eq(name, "gatepost");
    is_named("C:\\trial", "c:/Trial\\", true);
    is_named("C:\\trial", "C:\\trial2", false);
    is_named("C:\\trial", usual, false);
    memory_free(name);
    memory_free(usual);
}
END_TEST

static int run_never(struct service_host *host, void *user)
{
    (void)host;
    (void)user;
    return SERVICE_EXIT_OK;
}

static void control_never(enum service_control control, void *user)
{
    (void)control;
    (void)user;
}

START_TEST(only_the_manager_starts_a_service)
{
    struct service_program program = {run_never, control_never, NULL};
    struct error error = {0};
    ck_assert_int_eq(service_run_managed(&program, &error), SERVICE_EXIT_USAGE);
    ck_assert_int_eq(error.code, ERROR_FAILED_SERVICE_CONTROLLER_CONNECT);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *messages = tcase_create("messages");
    tcase_add_test(messages, event_viewer_shows_what_the_journal_says);
    tcase_add_test(messages, every_category_is_in_the_table);
    tcase_add_test(messages, event_viewer_shows_the_number_of_the_event);
    TCase *tests = tcase_create("windows");
    tcase_add_test(tests, paths_are_full_and_have_no_limit);
    tcase_add_test(tests, parent_of_a_root_is_the_root);
    tcase_add_test(tests, bad_text_is_replaced);
    tcase_add_test(tests, windows_says_why);
    tcase_add_test(tests, folder_is_for_administrators_and_the_service);
    tcase_add_test(tests, identifier_of_the_service_is_the_hash_of_its_name);
    tcase_add_test(tests, pipe_denies_the_network_first);
    tcase_add_test(tests, users_are_not_trusted);
    tcase_add_test(tests, each_data_folder_has_a_pipe);
    tcase_add_test(tests, only_the_manager_starts_a_service);
    Suite *suite = suite_create("platform of Windows");
    suite_add_tcase(suite, messages);
    suite_add_tcase(suite, tests);
    return suite;
}
