/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec crlutil`, `modutil`, `vfychain`: NSS's other tools, which Libreswan's ipsec knows, too. Each says
 * what does its work here. */
#include "bin/ipsec/commands.h"

static int say(const struct ipsec_command *c, int argc, char **argv, const char *instead)
{
    bool is_help = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
    if (is_help)
        ipsec_usage(c, stdout);
    fprintf(is_help ? stdout : stderr, "ipsec %s: there is no database of NSS's; %s\n", c->name, instead);
    return is_help ? 0 : 1;
}

static int run_crlutil(int argc, char **argv)
{
    return say(&ipsec_cmd_crlutil, argc, argv,
               "CRLs are files in /etc/ipsec.d/crls or /etc/swanctl/x509crl, or fetched; to see one: "
               "ipsec pki --print --type crl --in FILE");
}

static int run_modutil(int argc, char **argv)
{
    return say(&ipsec_cmd_modutil, argc, argv,
               "PKCS#11 modules are those of p11-kit: p11-kit list-modules; the key store's password is "
               "changed by: ipsec certutil -W");
}

static int run_vfychain(int argc, char **argv)
{
    return say(&ipsec_cmd_vfychain, argc, argv,
               "a certificate's path is checked by: ipsec pki --verify --in FILE --cacert CA");
}

const struct ipsec_command ipsec_cmd_crlutil = {
    .name = "crlutil",
    .doc = "not here: says where revocation lists are",
    .run_words = run_crlutil,
};

const struct ipsec_command ipsec_cmd_modutil = {
    .name = "modutil",
    .doc = "not here: says where PKCS#11 modules are",
    .run_words = run_modutil,
};

const struct ipsec_command ipsec_cmd_vfychain = {
    .name = "vfychain",
    .doc = "not here: says what checks a certificate",
    .run_words = run_vfychain,
};
