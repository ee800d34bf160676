/* SPDX-License-Identifier: Apache-2.0 */
/* A whole conf_load() from one buffer: up to four files, separated by lines of "%%": keyway.conf,
 * swanctl.conf, strongswan.conf and a secret in a file. What loads is shown in both forms; what fails prints
 * its errors; it is never both. Credentials that the tests use lie beside. */
#include "conf/test_credentials.h"
#include "load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    cut_into_files(files, 4, data, size);
    struct memory_source m = {files, ARRAY_LEN(files)};
    const struct conf_source src = memory_source(&m);
    load(&src, &(struct conf_request){.etc = "/etc"});
    return 0;
}
