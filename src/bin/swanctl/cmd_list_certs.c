/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --list-certs` */
#include "bin/swanctl/commands.h"
#include <errno.h>
#include <time.h>

struct listing {
    struct swanctl_run *run;
    struct certs_style style;
    struct certs_state state;
};

static int64_t zone_offset(int64_t when)
{
    struct tm tm;
    time_t t = when;
    return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

static void show(void *ctx, struct span body)
{
    struct listing *l = ctx;
    struct diag d = {0};
    if (l->run->style != DUMP_NONE)
        dump_message(stdout, "list-cert event", body, l->run->style);
    else if (!lines_cert(stdout, body, &l->style, &l->state, &d))
        fprintf(stderr, "%s\n", d.what);
}

static int run(struct swanctl_run *r)
{
    bool is_utc = swanctl_has(r, "utc");
    struct listing l = {
        .run = r,
        .style = {.env = {.now = time(NULL),
                          .zone_offset = is_utc ? NULL : zone_offset,
                          .has_zone_name = is_utc,
                          .is_brief = swanctl_has(r, "short")},
                  .is_pem = swanctl_has(r, "pem")},
    };
    struct vici_writer w;
    struct span reply;
    struct diag d;
    if (!vici_client_register(r->client, r->command->event, NULL, NULL, &d))
        return swanctl_broken(errno, "registering for certificates", " failed");
    swanctl_request(r, &w, r->command->vici);
    bool is_ok = vici_client_exchange(r->client, &w, r->command->event, show, &l, &reply, &d);
    int code = is_ok ? 0 : errno;
    vici_write_free(&w);
    if (!is_ok)
        return swanctl_broken(code, r->command->vici, " request failed");
    if (r->style != DUMP_NONE)
        swanctl_dump_reply(r, reply);
    return 0;
}

const struct swanctl_command swanctl_cmd_list_certs = {
    .name = "list-certs",
    .letter = 'x',
    .doc = "list stored certificates",
    .usage = {"[--subject <dn/san>] [--pem]",                              "[--type x509|x509_ac|x509_crl|ocsp_response|pubkey]",
              "[--flag none|ca|aa|ocsp|any] [--raw|--pretty|--short|--utc]"},
    .options =
        {
              {"subject", 's', OPT_TEXT, "filter by certificate subject"},
              {"type", 't', OPT_TEXT, "filter by certificate type"},
              {"flag", 'f', OPT_TEXT, "filter by X.509 certificate flag"},
              {"pem", 'p', OPT_FLAG, "print PEM encoding of certificate"},
              OPTION_RAW, {"short", 'S', OPT_FLAG, "omit some certificate details"},
              {"utc", 'U', OPT_FLAG, "use UTC for time fields"},
              },
    .sent = {"type",                                                  "flag",                                              "subject"           },
    .run = run,
    .vici = "list-certs",
    .event = "list-cert",
    .manual =
        "Raw public keys and OCSP responses are written in PEM, too, where strongSwan's program cannot.",
};
