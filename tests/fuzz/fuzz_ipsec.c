/* SPDX-License-Identifier: Apache-2.0 */
/* A whole conf_load() of ipsec.conf: up to four files, separated by lines of "%%": ipsec.conf, ipsec.secrets,
 * ipsec.d/x.conf, which the first may include, and strongswan.conf. What loads is shown, what fails prints
 * its errors; it is never both. The dialect is found out, or forced, by the length of it all. */
#include "conf/test_credentials.h"
#include "load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t own_addresses(void *ctx, struct arena *a, struct ip **v)
{
    (void)ctx;
    *v = arena_calloc(a, 1, sizeof(**v));
    ip_parse("192.0.2.1", *v);
    return 1;
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
    cut_into_files(files, 4, data, size);
    files[4].text = dialects[size % ARRAY_LEN(dialects)];
    static const char *const added[] = {"t", NULL}, *const deleted[] = {"u", NULL};
    struct memory_source m = {files, ARRAY_LEN(files)};
    struct conf_source src = memory_source(&m);
    src.own_addresses = own_addresses;
    load(&src, &(struct conf_request){.etc = "/etc", .added = added, .deleted = deleted});
    return 0;
}
