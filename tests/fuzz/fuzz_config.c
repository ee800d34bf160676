/* SPDX-License-Identifier: Apache-2.0 */
/* A whole conf_load() from one buffer: up to four files, separated by lines of "%%": keyway.conf,
 * swanctl.conf, strongswan.conf and a secret in a file. What loads is shown in both forms; what fails prints
 * its errors; it is never both. Credentials that the tests use lie beside. */
#include "conf/show.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void swallow(void *ctx, const char *text)
{
    *(size_t *)ctx += strlen(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 16)
        return 0;
    struct memory_file files[] = {
        {"/etc/keyway/keyway.conf", "",  0},
        {"/etc/swanctl/swanctl.conf",                         "",  0},
        {"/etc/strongswan.conf",                        "",                          0},
        {"/etc/keyway/office.psk","",0},
        {"/etc/keyway/moon.pem",  test_moon   },
        {"/etc/keyway/ca/ca.pem",                         test_ca      },
        {"/etc/swanctl/x509/moon.pem",                         test_moon  },
        {"/etc/swanctl/x509ca/ca.pem",                         test_ca},
        {"/etc/swanctl/private/moon.pem",                         test_moon_key},
    };
    const uint8_t *at = data, *end = data + size;
    for (size_t i = 0; i < 4 && at < end; i++) {
        const uint8_t *cut = memmem(at, (size_t)(end - at), "\n%%\n", 4);
        const uint8_t *stop = cut ? cut + 1 : end;
        files[i].text = (const char *)at;
        files[i].len = (size_t)(stop - at);
        at = cut ? cut + 4 : end;
    }
    struct memory_source m = {files, ARRAY_LEN(files)};
    const struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc"};
    struct diag errors[8] = {0};
    size_t n = 0, written = 0;
    const struct conf_sink sink = {&written, swallow};
    struct config *c = conf_load(&src, &req, errors, ARRAY_LEN(errors), &n);
    if (!c != (n > 0))
        abort();
    for (size_t i = 0; i < n && i < ARRAY_LEN(errors); i++)
        conf_print_error(&errors[i], &src, &sink);
    if (c) {
        conf_show(c, NULL, false, &sink);
        conf_show(c, NULL, true, &sink);
        config_unref(c);
    }
    if (written == 0)
        abort();
    return 0;
}
