/* SPDX-License-Identifier: Apache-2.0 */
/* flush-certs: what was fetched to know what is revoked is forgotten, in memory and on disk, and fetched anew
 * when it is needed. Of strongSwan's types, only CRLs and OCSP responses are kept: there is nothing to do for
 * the others. */
#include "ctl/commands.h"
#include <strings.h>

void ctl_cmd_flush_certs(struct ctl_request *r)
{
    static const struct {
        const char *type;
        bool has_crls, has_ocsps;
    } types[] = {
        {"any",           true,  true },
        {"x509_crl",      true,  false},
        {"ocsp_response", false, true },
        {"x509",          false, false},
        {"x509_ac",       false, false},
        {"pubkey",        false, false},
    };
    char type[32] = "any";
    struct span given;
    if (vici_find(r->body, "type", &given) && !vici_find_text(r->body, "type", type, sizeof(type)))
        type[0] = 0;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcasecmp(type, types[i].type) != 0)
            continue;
        unsigned n = r->ctl->host.flush(r->ctl->host.ctx, types[i].has_crls, types[i].has_ocsps);
        ctl_reply_ok(r->reply);
        if (r->reply->is_extended)
            vici_printf(r->reply, "flushed", "%u", n);
        return;
    }
    ctl_reply_error(r->reply, "invalid certificate type '%s'", type);
}
