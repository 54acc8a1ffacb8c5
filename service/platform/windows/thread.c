#include "platform/thread.h"

#include "base/memory.h"
#include "platform/windows/wide.h"

#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

struct thread {
    HANDLE handle;
    void (*run)(void *argument);
    void *argument;
    wchar_t *name;
};

struct lock {
    SRWLOCK exclusive;
};

struct condition {
    CONDITION_VARIABLE variable;
};

/* Windows 10 1607 and Server 2016 know it; an older system shows no names. */
typedef HRESULT(WINAPI *set_description)(HANDLE thread, PCWSTR name);

static void set_name(const wchar_t *name)
{
    HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    FARPROC found = GetProcAddress(kernel, "SetThreadDescription");
    set_description set = (set_description)(void (*)(void))found;
    if (set != NULL)
        set(GetCurrentThread(), name);
}

static unsigned __stdcall run_thread(void *argument)
{
    struct thread *thread = argument;
    set_name(thread->name);
    thread->run(thread->argument);
    return 0;
}

struct thread *thread_start(const char *name, void (*run)(void *argument), void *argument)
{
    struct thread *thread = memory_allocate(1, sizeof(*thread));
    thread->name = wide_from_text(name);
    thread->run = run;
    thread->argument = argument;
    /* Not CreateThread(): the C library keeps data for each thread. */
    thread->handle = (HANDLE)_beginthreadex(NULL, 0, run_thread, thread, 0, NULL);
    if (thread->handle == NULL) {
        fputs("gatepost: a thread cannot be started\n", stderr);
        abort();
    }
    return thread;
}

void thread_join(struct thread *thread)
{
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
    memory_free(thread->name);
    memory_free(thread);
}

struct lock *lock_create(void)
{
    struct lock *lock = memory_allocate(1, sizeof(*lock));
    InitializeSRWLock(&lock->exclusive);
    return lock;
}

void lock_destroy(struct lock *lock)
{
    memory_free(lock);
}

void lock_acquire(struct lock *lock)
{
    AcquireSRWLockExclusive(&lock->exclusive);
}

void lock_release(struct lock *lock)
{
    ReleaseSRWLockExclusive(&lock->exclusive);
}

struct condition *condition_create(void)
{
    struct condition *condition = memory_allocate(1, sizeof(*condition));
    InitializeConditionVariable(&condition->variable);
    return condition;
}

void condition_destroy(struct condition *condition)
{
    memory_free(condition);
}

void condition_wait(struct condition *condition, struct lock *lock)
{
    SleepConditionVariableSRW(&condition->variable, &lock->exclusive, INFINITE, 0);
}

bool condition_wait_for(struct condition *condition, struct lock *lock, uint32_t milliseconds)
{
    /* The greatest number means for ever, which is not what the caller asked for. */
    DWORD limit = milliseconds == INFINITE ? INFINITE - 1 : milliseconds;
    return SleepConditionVariableSRW(&condition->variable, &lock->exclusive, limit, 0) != 0 ||
           GetLastError() != ERROR_TIMEOUT;
}

void condition_signal(struct condition *condition)
{
    WakeConditionVariable(&condition->variable);
}

void condition_broadcast(struct condition *condition)
{
    WakeAllConditionVariable(&condition->variable);
}

void thread_be_urgent(void)
{
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_ABOVE_NORMAL);
}

unsigned processor_count(void)
{
    DWORD_PTR own, all;
    unsigned count = 0;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &own, &all))
        return 1;
    for (; own != 0; own &= own - 1)
        count++;
    return count > 0 ? count : 1;
}
