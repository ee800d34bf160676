/* SPDX-License-Identifier: Apache-2.0 */
/* A whole conf_load() of ipsec.conf: up to four files, separated by lines of "%%": ipsec.conf, ipsec.secrets,
 * ipsec.d/x.conf, which the first may include, and strongswan.conf. What loads is shown, what fails prints
 * its errors; it is never both. The dialect is found out, or forced, by the length of it all. */
#include "conf/show.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void swallow(void *ctx, const char *text)
{
    *(size_t *)ctx += strlen(text);
}

static size_t own_addresses(void *ctx, struct arena *a, struct ip **v)
{
    (void)ctx;
    *v = arena_calloc(a, 1, sizeof(**v));
    ip_parse("192.0.2.1", *v);
    return 1;
}

static void load(const struct memory_file *files, size_t n_files)
{
    static const char *const added[] = {"t", NULL}, *const deleted[] = {"u", NULL};
    struct memory_source m = {files, n_files};
    struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc", .added = added, .deleted = deleted};
    struct diag errors[8] = {0};
    size_t n = 0, written = 0;
    const struct conf_sink sink = {&written, swallow};
    src.own_addresses = own_addresses;
    struct config *c = conf_load(&src, &req, errors, ARRAY_LEN(errors), &n);
    if (!c != (n > 0))
        abort();
    for (size_t i = 0; i < n && i < ARRAY_LEN(errors); i++)
        conf_print_error(&errors[i], &src, &sink);
    if (c) {
        conf_show(c, NULL, true, &sink);
        config_unref(c);
    }
    if (written == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const dialects[] = {"", "keyway { ipsec_dialect = libreswan\n }\n",
                                           "keyway { ipsec_dialect = strongswan\n }\n"};
    if (size == 0 || size > 1 << 15)
        return 0;
    struct memory_file files[] = {
        {"/etc/ipsec.conf",      "",        0},
        {"/etc/ipsec.secrets",                      "",            0},
        {"/etc/ipsec.d/x.conf",                     "",                   0},
        {"/etc/strongswan.conf","",0},
        {"/etc/keyway/keyway.conf", "",         0},
        {"/etc/ipsec.d/certs/moon.pem",                      test_moon      },
        {"/etc/ipsec.d/cacerts/ca.pem",                     test_ca                     },
        {"/etc/ipsec.d/private/moon.pem",test_moon_key},
    };
    const uint8_t *at = data, *end = data + size;
    for (size_t i = 0; i < 4 && at < end; i++) {
        const uint8_t *cut = memmem(at, (size_t)(end - at), "\n%%\n", 4);
        const uint8_t *stop = cut ? cut + 1 : end;
        files[i].text = (const char *)at;
        files[i].len = (size_t)(stop - at);
        at = cut ? cut + 4 : end;
    }
    files[4].text = dialects[size % ARRAY_LEN(dialects)];
    load(files, ARRAY_LEN(files));
    return 0;
}
