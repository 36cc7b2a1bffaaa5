/* SPDX-License-Identifier: MIT */
/*
 * The program's command line.
 *
 *     moongate ─┬─ [-c FILE]          master_run
 *               └─ check, ctl, ...    commands.h
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/control_table.h"
#include "app/master.h"
#include "app/test_command.h"

#define DEFAULT_FILE "/etc/moongate/moongate.ini"

enum {
    EXIT_USAGE = 2,
    USAGE_MAX = 8192, /* bytes of the list of ctl's commands */
};

static const char usage[] =
    "usage: moongate [-c FILE] [-d]        run; -d: in the background\n"
    "       moongate check [-c FILE]       say what is wrong with the "
    "configuration\n"
    "       moongate ctl [-s SOCKET] [-c FILE] COMMAND\n"
    "                                      talk to a running one, see below\n"
    "       moongate test [-c FILE] SCRIPT...\n"
    "                                      run the specs beside scripts\n"
    "       moongate version               versions of it and its libraries\n"
    "\n"
    "FILE is " DEFAULT_FILE " unless given (test: none, and scripts\n"
    "are looked for in ./lua); SOCKET is the one that FILE names. Signals to "
    "the master: TERM and INT stop it now, QUIT stops\n"
    "it gracefully, HUP reads the configuration again, USR1 opens the log "
    "files\n"
    "again.\n"
    "\n"
    "Commands of ctl, each with --json:\n";

struct options {
    const char *file; /* -c, or the default */
    bool file_given;
    const char *socket;
    bool daemon;
    char **words; /* what follows the options */
    int word_count;
};

struct subcommand {
    const char *name;
    const char *letters; /* its options, for getopt; "+": words may follow */
    bool has_words;
    int (*run)(const struct options *options);
};

/* The commands of ctl come from their table. */
static int
print_usage(FILE *to)
{
    const struct control_words all = {.count = 0};
    char memory[USAGE_MAX];
    struct buf commands;

    buf_init(&commands, memory, sizeof(memory));
    fputs(usage, to);
    if (control_help(&commands, &all))
        fwrite(commands.p, 1, commands.len, to);
    return fflush(to);
}

static int
refuse(const char *what)
{
    fprintf(stderr, "moongate: %s\n\n", what);
    (void)print_usage(stderr);
    return EXIT_USAGE;
}

/* getopt has said what is wrong. */
static int
refuse_option(void)
{
    fputc('\n', stderr);
    (void)print_usage(stderr);
    return EXIT_USAGE;
}

static int
run_master(const struct options *options)
{
    return master_run(options->file, options->daemon);
}

static int
run_check(const struct options *options)
{
    return command_check(options->file);
}

static int
run_ctl(const struct options *options)
{
    if (options->word_count == 0)
        return refuse("ctl needs a command");
    return command_ctl(options->socket, options->file, options->words,
                       options->word_count);
}

static int
run_test(const struct options *options)
{
    if (options->word_count == 0)
        return refuse("test needs a script");
    return test_run(options->file_given ? options->file : NULL, options->words,
                    options->word_count);
}

static int
run_version(const struct options *options)
{
    (void)options;
    return command_version();
}

static const struct subcommand run_command = {
    .letters = "+c:dh",
    .run = run_master,
};

static const struct subcommand subcommands[] = {
    {.name = "check", .letters = "+c:h", .run = run_check},
    {.name = "ctl", .letters = "+c:s:h", .has_words = true, .run = run_ctl},
    {.name = "test", .letters = "+c:h", .has_words = true, .run = run_test},
    {.name = "version", .letters = "+h", .run = run_version},
};

static const struct subcommand *
find_subcommand(const char *name)
{
    for (size_t i = 0; i < sizeof(subcommands) / sizeof(*subcommands); i++) {
        if (strcmp(name, subcommands[i].name) == 0)
            return &subcommands[i];
    }
    return NULL;
}

static int
print_help(void)
{
    return print_usage(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
run(const struct subcommand *command, int argc, char **argv)
{
    static const struct option longs[] = {
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.file = DEFAULT_FILE};
    int letter;

    while ((letter = getopt_long(argc, argv, command->letters, longs, NULL)) !=
           -1) {
        if (letter == 'h')
            return print_help();
        if (letter == 'c') {
            options.file = optarg;
            options.file_given = true;
        } else if (letter == 's')
            options.socket = optarg;
        else if (letter == 'd')
            options.daemon = true;
        else
            return refuse_option();
    }
    options.words = argv + optind;
    options.word_count = argc - optind;
    if (options.word_count > 0 && !command->has_words)
        return refuse("there are words that mean nothing here");
    return command->run(&options);
}

int
main(int argc, char **argv)
{
    const struct subcommand *command;

    if (argc < 2 || argv[1][0] == '-')
        return run(&run_command, argc, argv);
    command = find_subcommand(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "moongate: there is no command \"%s\"\n\n", argv[1]);
        (void)print_usage(stderr);
        return EXIT_USAGE;
    }
    /* getopt takes its first word for the program's name. */
    argv[1] = argv[0];
    return run(command, argc - 1, argv + 1);
}
