# Tests that are C programs. Anything else is registered with gatepost_add_test() in the CMakeLists.txt of its folder.

# gatepost_add_test(NAME LABELS label... COMMAND command... [TIMEOUT seconds] [PARALLEL])
# The name says which build is tested, because one run of tests/run covers several builds. Unit tests and fuzzers run beside
# each other, all else runs alone unless PARALLEL is said: on a busy machine what measures time would fail for no reason.
function(gatepost_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "PARALLEL" "TIMEOUT" "LABELS;COMMAND")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set(alone TRUE)
    if(arg_PARALLEL OR arg_LABELS MATCHES "^(unit|fuzz)$")
        set(alone FALSE)
    endif()
    add_test(NAME ${GATEPOST_PRESET}.${name} COMMAND ${arg_COMMAND})
    set_tests_properties(${GATEPOST_PRESET}.${name} PROPERTIES
        LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${alone}
        ENVIRONMENT "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1;UBSAN_OPTIONS=print_stacktrace=1")
endfunction()

# gatepost_add_test_program(FILE PROGRAM)
# Among the first lines of FILE may be
#   /* rooms: smtp base */    the rooms it links, and no other: a half-written room stops only its own tests
#   /* with: fake_clock.c */  further sources from the same folder
function(gatepost_add_test_program file program)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(STRINGS ${file} head LIMIT_COUNT 40)
    set(rooms)
    set(with)
    foreach(line IN LISTS head)
        if(line MATCHES "^/\\* (rooms|with): (.*) \\*/")
            separate_arguments(${CMAKE_MATCH_1} UNIX_COMMAND "${CMAKE_MATCH_2}")
        endif()
    endforeach()
    list(TRANSFORM rooms PREPEND gatepost_)
    add_executable(${program} ${file} ${with})
    target_include_directories(${program} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
        ${PROJECT_SOURCE_DIR}/service ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
    target_link_libraries(${program} PRIVATE ${rooms})
endfunction()
