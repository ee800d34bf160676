/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec version`, `--version`, `--versioncode`, `--directory`, `--help`. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"
#include <sys/utsname.h>
#include <unistd.h>

static int version(struct control *c, const char *name)
{
    struct utsname u = {0};
    (void)name;
    uname(&u);
    if (is_libreswan(c))
        printf("Linux Keyway %s (in the words of Libreswan 4) on %s\n", KEYWAY_VERSION, u.release);
    else
        printf("Linux Keyway U%s/K%s (in the words of strongSwan 5.9)\n", KEYWAY_VERSION, u.release);
    return 0;
}

static int version_code(struct control *c, const char *name)
{
    (void)c;
    (void)name;
    puts(KEYWAY_VERSION);
    return 0;
}

static int directory(struct control *c, const char *name)
{
    char own[PATH_TEXT_MAX];
    (void)c;
    (void)name;
    ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(own, '/');
    if (slash)
        *slash = '\0';
    puts(own);
    return 0;
}

static int help(struct control *c, const char *name)
{
    (void)c;
    (void)name;
    ipsec_overview(stdout);
    return 0;
}

const struct ipsec_command ipsec_cmd_version = {
    .name = "version",
    .also = "--version",
    .doc = "which version this is",
    .act = version,
    .is_without_daemon = true,
};

const struct ipsec_command ipsec_cmd_versioncode = {
    .name = "--versioncode",
    .doc = "the number alone",
    .act = version_code,
    .is_without_daemon = true,
};

const struct ipsec_command ipsec_cmd_directory = {
    .name = "--directory",
    .also = "directory",
    .doc = "where the programs are",
    .act = directory,
    .is_without_daemon = true,
};

const struct ipsec_command ipsec_cmd_help = {
    .name = "help",
    .also = "--help -h",
    .doc = "this list",
    .act = help,
    .is_without_daemon = true,
};
