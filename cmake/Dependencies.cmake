# The libraries that cmake/dependencies builds, as imported targets with all that their users must link.

if(WIN32)
    set(target windows)
else()
    set(target host)
endif()
set(libraries sqlite3 libuv1 jansson check openssl openldap c-ares)

# Its progress goes to the terminal (stderr); here comes one line for each library: name, prefix, version.
execute_process(
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/dependencies ${target} ${libraries}
    OUTPUT_VARIABLE lines OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "cmake/dependencies failed: what it said is above")
endif()
string(REPLACE "\n" ";" lines "${lines}")
foreach(line IN LISTS lines)
    if(NOT line MATCHES "^([^ ]+) (.+) ([^ ]+)$")
        message(FATAL_ERROR "cmake/dependencies said: ${line}")
    endif()
    set(prefix_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
    message(STATUS "Library ${CMAKE_MATCH_1} ${CMAKE_MATCH_3}")
endforeach()

# The recipes decide which prefix is right.
file(GLOB recipes CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/recipes/*.sh)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${recipes} ${CMAKE_CURRENT_LIST_DIR}/dependencies)

# gatepost_import(NAME RECIPE ARCHIVE [LIBRARY...]): gatepost::NAME is lib/ARCHIVE of RECIPE and needs each LIBRARY.
function(gatepost_import name recipe archive)
    if(NOT recipe IN_LIST libraries)
        return()
    endif()
    add_library(gatepost::${name} STATIC IMPORTED GLOBAL)
    set_target_properties(gatepost::${name} PROPERTIES
        IMPORTED_LOCATION ${prefix_${recipe}}/lib/${archive}
        INTERFACE_INCLUDE_DIRECTORIES ${prefix_${recipe}}/include
        INTERFACE_LINK_LIBRARIES "${ARGN}")
endfunction()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(WIN32)
    set(sqlite)
    set(uv iphlpapi userenv dbghelp ole32 psapi user32 advapi32 shell32 ws2_32)
    set(check pthread)
    set(crypto crypt32 bcrypt advapi32 user32 ws2_32)
    set(cares iphlpapi advapi32 ws2_32)
else()
    set(sqlite Threads::Threads m)
    set(uv Threads::Threads dl rt)
    set(check Threads::Threads m rt)
    set(crypto Threads::Threads dl)
    set(cares Threads::Threads)
endif()
gatepost_import(sqlite sqlite3 libsqlite3.a ${sqlite})
gatepost_import(uv libuv1 libuv.a ${uv})
gatepost_import(jansson jansson libjansson.a)
gatepost_import(check check libcheck.a ${check})
gatepost_import(crypto openssl libcrypto.a ${crypto})
gatepost_import(openssl openssl libssl.a gatepost::crypto)
gatepost_import(cares c-ares libcares.a ${cares})
if(TARGET gatepost::cares)
    set_target_properties(gatepost::cares PROPERTIES INTERFACE_COMPILE_DEFINITIONS CARES_STATICLIB)
endif()
gatepost_import(lber openldap liblber.a ${crypto})
gatepost_import(ldap openldap libldap.a gatepost::lber gatepost::openssl)
