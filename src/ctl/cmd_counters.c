/* SPDX-License-Identifier: Apache-2.0 */
/* get-counters, reset-counters: how many messages came and went, in all (a section without a name), for the
 * connection name, or for all that something was counted for. */
#include "ctl/commands.h"
#include <inttypes.h>

static const char *const names[COUNTERS] = {
    [COUNT_IKE_REKEY_INIT] = "ike-rekey-init",
    [COUNT_IKE_REKEY_RESP] = "ike-rekey-resp",
    [COUNT_CHILD_REKEY] = "child-rekey",
    [COUNT_INVALID] = "invalid",
    [COUNT_INVALID_SPI] = "invalid-spi",
    [COUNT_IKE_INIT] = "ike-init-in-req",
    [COUNT_IKE_INIT + 1] = "ike-init-in-resp",
    [COUNT_IKE_INIT + 2] = "ike-init-out-req",
    [COUNT_IKE_INIT + 3] = "ike-init-out-resp",
    [COUNT_IKE_AUTH] = "ike-auth-in-req",
    [COUNT_IKE_AUTH + 1] = "ike-auth-in-resp",
    [COUNT_IKE_AUTH + 2] = "ike-auth-out-req",
    [COUNT_IKE_AUTH + 3] = "ike-auth-out-resp",
    [COUNT_CREATE_CHILD] = "create-child-in-req",
    [COUNT_CREATE_CHILD + 1] = "create-child-in-resp",
    [COUNT_CREATE_CHILD + 2] = "create-child-out-req",
    [COUNT_CREATE_CHILD + 3] = "create-child-out-resp",
    [COUNT_INFO] = "info-in-req",
    [COUNT_INFO + 1] = "info-in-resp",
    [COUNT_INFO + 2] = "info-out-req",
    [COUNT_INFO + 3] = "info-out-resp",
};

static bool write_counters(struct vici_writer *w, const struct engine *e, const char *connection)
{
    const struct ike_counters *c = engine_counters(e, connection);
    if (!c)
        return false;
    vici_section(w, connection ? connection : "");
    for (size_t i = 0; i < COUNTERS; i++)
        vici_printf(w, names[i], "%" PRIu64, c->v[i]);
    vici_section_end(w);
    return true;
}

void ctl_cmd_get_counters(struct ctl_request *r)
{
    const struct engine *e = ctl_engine(r);
    const struct config *c = engine_config(e);
    char name[CTL_NAME_MAX];
    struct span yes;
    bool is_one = vici_find_text(r->body, "name", name, sizeof(name)), is_there = true;
    bool is_all = vici_find(r->body, "all", &yes) && vici_is_yes(yes);
    vici_section(r->reply, "counters");
    if (is_all) {
        for (size_t i = 0; c && i < c->n_connections; i++)
            write_counters(r->reply, e, c->connections[i]->name);
    } else {
        is_there = write_counters(r->reply, e, is_one ? name : NULL);
    }
    vici_section_end(r->reply);
    if (is_there)
        ctl_reply_ok(r->reply);
    else
        ctl_reply_error(r->reply, "no counters found for this connection");
}

void ctl_cmd_reset_counters(struct ctl_request *r)
{
    char name[CTL_NAME_MAX];
    struct span yes;
    bool is_all = vici_find(r->body, "all", &yes) && vici_is_yes(yes);
    bool is_one = !is_all && vici_find_text(r->body, "name", name, sizeof(name));
    struct command c = {
        .kind = COMMAND_RESET_COUNTERS,
        .id = ++r->ctl->last_command,
        .connection = is_one ? name : NULL,
        .is_for_all = is_all,
    };
    r->conn->pending =
        (struct ctl_pending){.kind = CTL_PENDING_RESET, .id = c.id, .deadline = TIME_NEVER, .level = -1};
    r->is_deferred = true;
    r->ctl->host.command(r->ctl->host.ctx, &c);
}
