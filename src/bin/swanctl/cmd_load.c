/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --load-conns`, `--load-pools`, `--load-authorities`, `--load-creds`, `--load-all`: what
 * swanctl.conf and the folders beside it have becomes what the daemon has. */
#include "bin/swanctl/commands.h"
#include "bin/swanctl/load.h"

static int run_items(struct swanctl_run *r, const struct load_kind *k)
{
    struct loader l;
    int code;
    if (!loader_open(&l, r, &code))
        return code;
    code = load_items(&l, k);
    loader_close(&l);
    return code;
}

static int run_conns(struct swanctl_run *r)
{
    return run_items(r, &load_connections);
}

static int run_pools(struct swanctl_run *r)
{
    return run_items(r, &load_pools);
}

static int run_authorities(struct swanctl_run *r)
{
    return run_items(r, &load_authorities);
}

static int run_creds(struct swanctl_run *r)
{
    struct loader l;
    int code;
    if (!loader_open(&l, r, &code))
        return code;
    code = load_credentials(&l, swanctl_has(r, "clear"));
    loader_close(&l);
    return code;
}

/* What fails ends it. */
static int run_all(struct swanctl_run *r)
{
    static const struct load_kind *const kinds[] = {&load_authorities, &load_pools, &load_connections};
    struct loader l;
    int code;
    if (!loader_open(&l, r, &code))
        return code;
    code = load_credentials(&l, swanctl_has(r, "clear"));
    for (size_t i = 0; !code && i < ARRAY_LEN(kinds); i++)
        code = load_items(&l, kinds[i]);
    loader_close(&l);
    return code;
}

#define OPTION_FILE                                                                                          \
    {                                                                                                        \
        "file", 'f', OPT_TEXT, "custom path to swanctl.conf"                                                 \
    }
#define OPTION_CREDENTIALS                                                                                   \
    {"clear", 'c', OPT_FLAG, "clear previously loaded credentials"},                                         \
    {                                                                                                        \
        "noprompt", 'n', OPT_FLAG, "do not prompt for passwords"                                             \
    }
#define WHERE                                                                                                \
    "The file is \\fIswanctl.conf\\fR in \\fI/etc/swanctl\\fR, or in the folder that \\fBSWANCTL_DIR\\fR "   \
    "names. With one "                                                                                       \
    "that is\n"                                                                                              \
    "wrong nothing is loaded, and nothing unloaded."

const struct swanctl_command swanctl_cmd_load_all = {
    .name = "load-all",
    .letter = 'q',
    .doc = "load credentials, authorities, pools and connections",
    .usage = {"[--raw|--pretty] [--clear] [--noprompt]"},
    .options = { OPTION_CREDENTIALS, OPTION_RAW, OPTION_FILE},
    .run = run_all,
    .manual = "As the four commands below, one after the other; what fails ends it. " WHERE,
};

const struct swanctl_command swanctl_cmd_load_authorities = {
    .name = "load-authorities",
    .letter = 'b',
    .doc = "(re-)load authority configuration",
    .usage = {"[--raw|--pretty]"},
    .options = { OPTION_RAW,       OPTION_FILE},
    .run = run_authorities,
    .manual = "Authorities that the file does not have are unloaded.",
};

const struct swanctl_command swanctl_cmd_load_conns = {
    .name = "load-conns",
    .letter = 'c',
    .doc = "(re-)load connection configuration",
    .usage = {"[--raw|--pretty]"},
    .options = { OPTION_RAW,       OPTION_FILE},
    .run = run_conns,
    .manual = "Connections that the file does not have are unloaded; one that did not change stays up.",
};

const struct swanctl_command swanctl_cmd_load_creds = {
    .name = "load-creds",
    .letter = 's',
    .doc = "(re-)load credentials",
    .usage = {"[--raw|--pretty] [--clear] [--noprompt]"},
    .options = { OPTION_CREDENTIALS, OPTION_RAW, OPTION_FILE},
    .run = run_creds,
    .manual =
        "Certificates, keys and secrets of the \\fBsecrets\\fR section and of the folders beside the file: "
        "\\fIx509 x509ca x509ocsp x509aa\n"
        "x509ac x509crl pubkey private rsa ecdsa pkcs8 pkcs12\\fR. Passphrases of keys are those of the "
        "sections\n"
        "\\fBprivate\\fR, \\fBrsa\\fR and so on with that \\fBfile\\fR, else they are asked for.",
};

const struct swanctl_command swanctl_cmd_load_pools = {
    .name = "load-pools",
    .letter = 'a',
    .doc = "(re-)load pool configuration",
    .usage = {"[--raw|--pretty]"},
    .options = { OPTION_RAW,       OPTION_FILE},
    .run = run_pools,
    .manual = "Pools that the file does not have are unloaded, unless somebody has an address of them.",
};
