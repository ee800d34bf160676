/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations from files in memory: loaded, and refused where. With them there are a certificate, its key
 * and its CA in the places of both dialects. Include it once, in the test itself. */
#pragma once

#include "conf/conf.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/test.h"

static struct diag errors[16];
static size_t n_errors;

static struct config *load_files(const struct memory_file *files, size_t n, const char *what)
{
    struct memory_source m = {files, n};
    const struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc", .load = what};
    memset(errors, 0, sizeof(errors));
    return conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
}

__attribute__((unused)) static struct config *load(const char *path, const char *text)
{
    const struct memory_file files[] = {
        {path,                           text           },
        {"/etc/swanctl/x509/moon.pem",   test_moon      },
        {"/etc/swanctl/x509ca/ca.pem",   test_ca        },
        {"/etc/swanctl/ecdsa/moon.pem",  test_moon_key  },
        {"/etc/keyway/moon.pem",         test_moon      },
        {"/etc/keyway/ca/ca.pem",        test_ca        },
        {"/etc/keyway/private/moon.pem", test_moon_key  },
        {"/etc/keyway/office.psk",       "from a file\n"},
    };
    return load_files(files, ARRAY_LEN(files), NULL);
}

__attribute__((unused)) static struct config *good(const char *path, const char *text)
{
    struct config *c = load(path, text);
    char buf[2048];
    if (!c)
        fail_msg("%s\n%s", text, diag_format(&errors[0], buf, sizeof(buf)));
    return c;
}

__attribute__((unused)) static struct config *keyway(const char *text)
{
    return good("/etc/keyway/keyway.conf", text);
}

__attribute__((unused)) static struct config *swanctl(const char *text)
{
    return good("/etc/swanctl/swanctl.conf", text);
}

__attribute__((unused)) static void assert_refused(const char *path, const char *text, const char *where,
                                                   const char *what)
{
    char buf[2048];
    struct config *c = load(path, text);
    if (c)
        fail_msg("accepted: %s", text);
    diag_format(&errors[0], buf, sizeof(buf));
    if (strcmp(errors[0].where, where) != 0 || !strstr(buf, what))
        fail_msg("%s\n%s", text, buf);
    assert_int_equal(errors[0].class, FAIL_CONFIG);
}

__attribute__((unused)) static void refused_by_swanctl(const char *text, const char *where, const char *what)
{
    assert_refused("/etc/swanctl/swanctl.conf", text, where, what);
}

__attribute__((unused)) static void refused_by_keyway(const char *text, const char *where, const char *what)
{
    assert_refused("/etc/keyway/keyway.conf", text, where, what);
}

__attribute__((unused)) static const char office[] = "tunnel office {\n"
                                                     "  peer   = 198.51.100.20\n"
                                                     "  psk    = correct horse\n"
                                                     "  local  = 10.10.0.0/24, 10.11.0.0/24\n"
                                                     "  remote = 10.20.0.0/24\n"
                                                     "}\n";

#define PPK32 "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
