#include "cli/verb.h"

#define ROWS_MAXIMUM 1000000 /* that a list prints at most */

#define SERVICE_NEEDS                                                                              \
    "Needs to be run as an administrator. Windows only: on other systems Gatepost\n"               \
    "is run with \"gatepost run\".\n"

#define PATHS                                                                                      \
    "PATH names a setting: outbound.smart_host, virtual_servers[0].addresses[0].port,\n"           \
    "or a part of the document: retry, accepted_domains. \"gatepost config describe\"\n"           \
    "lists all of them.\n"

const struct cli_option cli_common_options[] = {
    [CLI_OPTION_DATA] = {"--data", "DIR", CLI_TEXT, 0, 0,
                         "data folder of the service; the default one when left out"},
    [CLI_OPTION_JSON] = {"--json", NULL, CLI_SWITCH, 0, 0,
                         "print the result as JSON, for programs"},
    [CLI_OPTION_HELP] = {"--help", NULL, CLI_SWITCH, 0, 0, "print this"},
};

static const struct cli_option run_options[] = {
    {"--verbose", NULL, CLI_SWITCH, 0, 0, "log what every session says"},
    {.name = NULL},
};

static const struct cli_option configure_options[] = {
    {"--start", "TYPE", CLI_TEXT, 0, 0, "delayed (the default), automatic, manual or disabled"},
    {.name = NULL},
};

static const struct cli_option recipient_list_options[] = {
    {"--filter", "TEXT", CLI_TEXT, 0, 0, "only addresses that contain this"},
    {"--limit", "N", CLI_NUMBER, 1, ROWS_MAXIMUM, "at most so many; 1000 when left out"},
    {.name = NULL},
};

static const struct cli_option recipient_import_options[] = {
    {"--replace", NULL, CLI_SWITCH, 0, 0, "remove the addresses that are not in the file"},
    {.name = NULL},
};

static const struct cli_option recipient_explain_options[] = {
    {"--from", "IP", CLI_TEXT, 0, 0, "as if this client asked; a stranger when left out"},
    {.name = NULL},
};

static const struct cli_option directory_sync_options[] = {
    {"--full", NULL, CLI_SWITCH, 0, 0, "read all of it, not only what has changed"},
    {"--believe", NULL, CLI_SWITCH, 0, 0, "the same; what is missing is gone, however much it is"},
    {.name = NULL},
};

static const struct cli_option track_options[] = {
    {"--sender", "ADDRESS", CLI_TEXT, 0, 0, "* and ? are wildcards; <> is the null sender"},
    {"--recipient", "ADDRESS", CLI_TEXT, 0, 0, "* and ? are wildcards"},
    {"--message", "ID", CLI_TEXT, 0, 0, "number that Gatepost gave the message, or its Message-ID"},
    {"--message-id", "ID", CLI_TEXT, 0, 0, "the same"},
    {"--subject", "TEXT", CLI_TEXT, 0, 0, "a part of the subject"},
    {"--client", "IP", CLI_TEXT, 0, 0, "IP address that the message came from"},
    {"--event", "NAME", CLI_TEXT, 0, 0, "one of the events above, or several: received,stored"},
    {"--since", "TIME", CLI_TIME, 0, 0, "from then on"},
    {"--until", "TIME", CLI_TIME, 0, 0, "before then"},
    {"--limit", "N", CLI_NUMBER, 1, ROWS_MAXIMUM, "at most so many; 100 when left out"},
    {.name = NULL},
};

static const struct cli_option config_get_options[] = {
    {"--revision", "N", CLI_NUMBER, 1, INT64_MAX, "as it was then; see \"config history\""},
    {.name = NULL},
};

static const struct cli_option config_import_options[] = {
    {"--offline", NULL, CLI_SWITCH, 0, 0, "write the store itself; only while the service is down"},
    {.name = NULL},
};

static const struct cli_option config_history_options[] = {
    {"--limit", "N", CLI_NUMBER, 1, 1000, "at most so many; 20 when left out"},
    {.name = NULL},
};

const struct cli_verb cli_verbs[] = {
    {"run", "", "Serve in this window until Ctrl+C",
     "Runs the service in the foreground and prints its log. It ends with 0 when it\n"
     "was told to stop, or with 3: data folder or a store in it cannot be opened or is\n"
     "in use, 4: settings are not valid, 5: an address cannot be bound, 6: the\n"
     "recipient list cannot be read, 1: anything else.\n",
     CLI_HAS_DATA, run_options, cli_run_server},
    {"service", "", "Serve under the Service Control Manager",
     "This is what the Service Control Manager runs. Use \"gatepost service start\" to\n"
     "start the service, or \"gatepost run\" to serve in this window.\n",
     CLI_HAS_DATA, NULL, cli_service},
    {"service install", "", "Register the service (the MSI has done that)",
     "Registers this program as the service \"Gatepost\" and configures it.\n" SERVICE_NEEDS,
     CLI_HAS_DATA, NULL, cli_service_install},
    {"service configure", "", "Set start type, restart after failure and rights",
     "Sets what the MSI cannot: description, restart after failure, time for a clean\n"
     "stop, privileges, and access to the data folder.\n" SERVICE_NEEDS,
     CLI_PLAIN, configure_options, cli_service_configure},
    {"service remove", "", "Remove the service; settings and mail stay",
     "The data folder stays as it is.\n" SERVICE_NEEDS, CLI_PLAIN, NULL, cli_service_remove},
    {"service start", "", "Start the service and wait until it runs",
     "When it does not start, the reason is in the Event Log (source Gatepost).\n" SERVICE_NEEDS,
     CLI_PLAIN, NULL, cli_service_start},
    {"service stop", "", "Stop the service and wait until it has stopped",
     "Sessions that run get the time of the setting service.stop_time.\n" SERVICE_NEEDS, CLI_PLAIN,
     NULL, cli_service_stop},
    {"service status", "", "What the Service Control Manager says of it",
     "See \"gatepost status\" for what the service itself says.\n" SERVICE_NEEDS, CLI_HAS_JSON,
     NULL, cli_service_status},

    {"status", "", "State, virtual servers, queue and counters", "", CLI_MANAGES, NULL, cli_status},
    {"stop", "", "Stop the running service",
     "For a service that was started with \"gatepost run\". Under Windows a service that\n"
     "the Service Control Manager started is stopped with \"gatepost service stop\".\n",
     CLI_MANAGES, NULL, cli_stop},

    {"recipient add", "ADDRESS [NAME]", "Add an address to the local recipient list",
     "It may receive mail as soon as the verb has ended. NAME is a display name.\n", CLI_MANAGES,
     NULL, cli_recipient_add},
    {"recipient remove", "ADDRESS", "Remove an address from the local recipient list",
     "Mail to it is refused as soon as the verb has ended. Ends with 5 when it was not\n"
     "in the list.\n",
     CLI_MANAGES, NULL, cli_recipient_remove},
    {"recipient list", "", "Print the recipient list", "", CLI_MANAGES, recipient_list_options,
     cli_recipient_list},
    {"recipient import", "FILE", "Import addresses from a CSV or LDIF file",
     "FILE is an export of the directory: LDIF (attributes proxyAddresses and mail),\n"
     "or CSV with a column address, mail or proxyAddresses, and displayName if there\n"
     "is one. \"-\" is standard input. Addresses that are not well-formed are left out\n"
     "and counted; a file that cannot be read to its end changes nothing.\n",
     CLI_MANAGES, recipient_import_options, cli_recipient_import},
    {"recipient explain", "ADDRESS", "Say whether mail to an address is accepted, why",
     "Goes through the same rules as a session and prints each with what it decided.\n",
     CLI_MANAGES, recipient_explain_options, cli_recipient_explain},

    {"callout status", "", "Next hops that are asked who exists",
     "For accepted domains whose setting recipients is call-out. STATE is catch-all\n"
     "where the next hop accepts made-up recipients too, so that asking tells nothing.\n",
     CLI_MANAGES, NULL, cli_callout_status},
    {"callout test", "ADDRESS", "Ask the next hop of a domain for one recipient",
     "As for a sender's RCPT: what is remembered is not asked for again, see\n"
     "\"gatepost callout clear\".\n",
     CLI_MANAGES, NULL, cli_callout_test},
    {"callout clear", "[ADDRESS]", "Forget what next hops have said of it, or all",
     "Without ADDRESS catch-alls are found out again, too.\n", CLI_MANAGES, NULL,
     cli_callout_clear},

    {"harvest list", "", "Sources held off: too many unknown recipients",
     "A source is an IPv4 address or an IPv6 network of 64 bits. The limits are in the\n"
     "settings: gatepost config describe harvest.\n",
     CLI_MANAGES, NULL, cli_harvest_list},
    {"harvest clear", "ADDRESS", "Let a source in again that is held off",
     "ADDRESS is one that \"gatepost harvest list\" prints, or \"all\". What the source\n"
     "has asked for so far is forgotten; name it in the setting harvest.exempt when it\n"
     "shall never be held off. Ends with 5 when it was not held off.\n",
     CLI_MANAGES, NULL, cli_harvest_clear},
    {"directory status", "", "State of the directories, and why",
     "current: in step. stale: what is known is served, but could not be confirmed\n"
     "for some time. filling: the first pass is under way. failed, never-filled:\n"
     "nothing is known yet, mail for its recipients is told to come again later.\n",
     CLI_MANAGES, NULL, cli_directory_status},
    {"directory sync", "[NAME]", "Read a directory now, not at the next interval",
     "All directories when NAME is left out. A full pass that misses many entries is\n"
     "not believed, because an account that has lost its rights sees the same: when\n"
     "they are gone indeed, say --believe.\n",
     CLI_MANAGES, directory_sync_options, cli_directory_sync},
    {"directory test", "[NAME] [ADDRESS]", "Walk the way to a directory step by step",
     "From the name of each server, connection, certificate and account to the rights\n"
     "of the account, the base, the entries, and ADDRESS, and say what is wrong. NAME\n"
     "may be left out when there is one directory. It need not be enabled. Ends with 1\n"
     "when a step has failed.\n",
     CLI_MANAGES, NULL, cli_directory_test},

    {"queue list", "", "Queues of mail that waits, by destination", "", CLI_MANAGES, NULL,
     cli_queue_list},
    {"queue retry", "[DESTINATION]", "Try waiting mail now, not at its next retry",
     "DESTINATION is one that \"gatepost queue list\" prints; all when left out.\n", CLI_MANAGES,
     NULL, cli_queue_retry},
    {"track", "", "Search what became of messages, newest first",
     "All conditions that are given must hold. Events: connection-refused,\n"
     "sender-refused, recipient-refused, message-refused, received, stored, routed,\n"
     "delivered, deferred, failed, expired, badmail.\n"
     "TIME is local: 2026-11-24, \"2026-11-24 10:00\", or 30m, 2h, 7d for so long ago.\n",
     CLI_MANAGES, track_options, cli_track},
    {"track history", "MESSAGE", "All that happened to one message, oldest first",
     "MESSAGE is the number that Gatepost gave it (in the reply to its sender and in\n"
     "the Received line), or its Message-ID. Ends with 5 when nothing is on record.\n",
     CLI_MANAGES, NULL, cli_track_history},
    {"sessions list", "", "Clients that are connected now", "", CLI_MANAGES, NULL,
     cli_sessions_list},
    {"sessions end", "SESSION", "End a session; its client gets 421",
     "SESSION is a number that \"gatepost sessions list\" prints.\n", CLI_MANAGES, NULL,
     cli_sessions_end},

    {"config get", "[PATH]", "Print a setting, or all of them", PATHS, CLI_MANAGES,
     config_get_options, cli_config_get},
    {"config set", "PATH VALUE", "Change a setting",
     PATHS "VALUE is plain (relay.example.com, 25, true, the name of a choice) or JSON for\n"
           "lists and objects. null sets the default, and takes an element out of its list:\n"
           "  gatepost config set outbound.smart_host relay.example.com\n"
           "  gatepost config set message_delivery.trusted_hosts[0] 192.0.2.0/24\n"
           "  gatepost config set accepted_domains[1] null\n"
           "For a password, a VALUE of - asks for it, or reads it from standard input, so\n"
           "that it does not stand on the command line:\n"
           "  gatepost config set directories[0].password -\n"
           "The change is in force when the verb has ended. Ends with 6 when somebody else\n"
           "has changed the settings meanwhile: repeat it.\n",
     CLI_MANAGES, NULL, cli_config_set},
    {"config export", "", "Print all settings as a JSON document",
     "Defaults are included. \"gatepost config import\" reads the document.\n", CLI_MANAGES,
     config_get_options, cli_config_export},
    {"config import", "FILE", "Replace all settings by a JSON document",
     "FILE is a JSON document; \"-\" is standard input. Settings that it does not have\n"
     "get their default. It is checked whole, and a mistake changes nothing.\n",
     CLI_MANAGES, config_import_options, cli_config_import},
    {"config history", "", "Revisions of the settings: when, who, what",
     "\"gatepost config get --revision N\" prints an old one, \"gatepost config revert N\"\n"
     "goes back to it.\n",
     CLI_MANAGES, config_history_options, cli_config_history},
    {"config revert", "REVISION", "Go back to an older revision of the settings",
     "Makes a new revision with the document of the older one.\n", CLI_MANAGES, NULL,
     cli_config_revert},
    {"config describe", "[PATH]", "What the settings mean, with defaults and limits",
     "Needs no running service.\n", CLI_HAS_JSON, NULL, cli_config_describe},

    {"version", "", "Print the version", "", CLI_HAS_JSON, NULL, cli_version},
    {"help", "[VERB]", "List the verbs, or those of one group", "", CLI_PLAIN, NULL, cli_help},
    {.name = NULL},
};
