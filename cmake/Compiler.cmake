# How Gatepost's own sources are compiled and linked.

# gnu11 for what the system headers then declare, -Wpedantic so that the language of our own code stays C11.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# No NDEBUG in release: a server that goes on with a broken invariant is worse than one that is restarted.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-Og -g3")

add_compile_options(
    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
    -Wformat=2 -Wundef -Wwrite-strings -fno-common -fstack-protector-strong)

if(WIN32)
    add_compile_definitions(
        UNICODE _UNICODE WIN32_LEAN_AND_MEAN NOMINMAX
        WINVER=0x0A00 _WIN32_WINNT=0x0A00   # Windows 10 and Server 2016
        __USE_MINGW_ANSI_STDIO=1)           # %zu and %lld are what C says, although the C library is msvcrt
    # Nothing beside the exe but the system's own DLLs; and the same bytes from the same sources.
    # -fstack-protector-strong because the guard is in a library of its own there.
    add_link_options(-static -fstack-protector-strong -Wl,--dynamicbase,--nxcompat,--high-entropy-va,--no-insert-timestamp)
else()
    include(CheckPIESupported)
    check_pie_supported(LANGUAGES C)
    add_compile_options(-fstack-clash-protection -fcf-protection)
    add_link_options(-Wl,-z,relro,-z,now)
endif()

# Fortified functions hide from AddressSanitizer what they do, and need optimisation.
if(NOT GATEPOST_SANITIZE AND CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()

if(GATEPOST_SANITIZE)
    add_compile_options(-fsanitize=${GATEPOST_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${GATEPOST_SANITIZE})
    add_compile_definitions(GATEPOST_SANITIZE=1)
endif()
