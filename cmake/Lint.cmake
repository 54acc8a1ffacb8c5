# Tests of the sources themselves, once for all builds: with the host build, and for what only Windows compiles with that one.
if(GATEPOST_PRESET STREQUAL "host")
    gatepost_add_test(format LABELS unit COMMAND ${PROJECT_SOURCE_DIR}/cmake/check-format)
    gatepost_add_test(lint LABELS security TIMEOUT 1800
        COMMAND ${PROJECT_SOURCE_DIR}/cmake/check-lint ${PROJECT_BINARY_DIR})
elseif(GATEPOST_PRESET STREQUAL "windows")
    gatepost_add_test(lint LABELS security TIMEOUT 1800
        COMMAND ${PROJECT_SOURCE_DIR}/cmake/check-lint ${PROJECT_BINARY_DIR} service/platform/windows snapin installer)
endif()
