/* SPDX-License-Identifier: Apache-2.0 */
/* keyway flush [crls | ocsp]: CRLs and OCSP responses that were fetched are forgotten. */
#include "bin/keyway/cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *ask(struct cli *c, const char *type, struct diag *d)
{
    struct vici_writer w;
    struct span reply;
    struct vici_client *v = cli_connect(c, d);
    json_t *j = NULL;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "flush-certs");
    vici_text(&w, "type", type);
    if (v && vici_client_call(v, &w, NULL, NULL, NULL, &reply, d)) {
        j = vici_to_json(reply);
        if (!j)
            diag_set(d, FAIL_GENERIC, "the daemon sent a malformed message");
    }
    vici_write_free(&w);
    vici_client_close(v);
    return j;
}

int cmd_flush(struct cli *c)
{
    struct diag d = {0};
    bool is_of_crls = c->argc == 1 && strcmp(c->argv[0], "crls") == 0;
    bool is_of_ocsp = c->argc == 1 && strcmp(c->argv[0], "ocsp") == 0;
    if (c->argc && !is_of_crls && !is_of_ocsp)
        return cli_usage("keyway flush [crls | ocsp]");
    json_t *reply = ask(c, is_of_crls ? "x509_crl" : is_of_ocsp ? "ocsp_response" : "any", &d);
    if (!reply)
        return cli_fail(c, NULL, &d);
    const char *text = json_string_value(json_object_get(reply, "flushed"));
    long n = text ? atol(text) : 0;
    json_decref(reply);
    if (!c->is_quiet)
        fprintf(stderr, "%ld CRL%s and OCSP response%s forgotten\n", n, n == 1 ? "" : "s", n == 1 ? "" : "s");
    if (c->has_json)
        cli_print_json(json_pack("{s:b,s:I}", "success", 1, "flushed", (json_int_t)n));
    return 0;
}
