/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec reload`, `update`, `rereadall`, `rereadsecrets`, `ready`: the daemon reads its files anew. It reads
 * all of them each time: secrets and connections become one snapshot, or nothing changes. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"

static int reload(struct control *c)
{
    struct diag d;
    if (control_tell(c, "keyway-reload", NULL, &d))
        return 0;
    return control_fail(c, NULL, &d);
}

/* And says what has changed, in words of our own: strongSwan's says nothing of it. */
static int reload_and_tell(struct control *c, const char *doing)
{
    struct diag d;
    size_t i;
    const json_t *line;
    if (is_libreswan(c))
        return reload(c);
    printf("%s Keyway IPsec configuration...\n", doing);
    json_t *reply = control_ask(c, "keyway-reload", &d);
    if (!reply)
        return control_fail(c, NULL, &d);
    json_array_foreach(json_object_get(reply, "changes"), i, line) puts(json_string_value(line));
    json_decref(reply);
    return 0;
}

static int reload_files(struct control *c, const char *name)
{
    (void)name;
    return reload_and_tell(c, "Reloading");
}

static int update_files(struct control *c, const char *name)
{
    (void)name;
    return reload_and_tell(c, "Updating");
}

static int reread_secrets(struct control *c, const char *name)
{
    (void)name;
    int code = reload(c);
    if (is_libreswan(c) && !code)
        say(&c->voice, RC_LOG, "forgetting secrets");
    if (is_libreswan(c) && !code)
        say(&c->voice, RC_LOG, "loading secrets from \"%s/ipsec.secrets\"", c->run->paths.etc);
    return code;
}

static int get_ready(struct control *c, const char *name)
{
    (void)name;
    if (is_libreswan(c))
        say(&c->voice, RC_LOG, "listening for IKE messages");
    return reread_secrets(c, NULL);
}

const struct ipsec_command ipsec_cmd_reload = {
    .name = "reload",
    .doc = "read all files anew",
    .act = reload_files,
};

const struct ipsec_command ipsec_cmd_update = {
    .name = "update",
    .doc = "read all files anew; what did not change stays up",
    .act = update_files,
    .manual = "This is what \\fBreload\\fR does, too: only what has changed is touched, and named. Of conns "
              "that are one "
              "connection with several children the others stay up, and so does their IKE SA.",
};

const struct ipsec_command ipsec_cmd_rereadsecrets = {
    .name = "rereadsecrets",
    .as_stroke = "rereadsecrets",
    .also = "secrets",
    .as_auto = "rereadsecrets",
    .as_whack = "rereadsecrets",
    .doc = "read all files anew, secrets among them",
    .act = reread_secrets,
};

const struct ipsec_command ipsec_cmd_rereadall = {
    .name = "rereadall",
    .as_stroke = "rereadall rereadcacerts rereadocspcerts rereadaacerts rereadacerts rereadcrls",
    .also = "rereadcerts rereadcacerts rereadcrls rereadaacerts rereadacerts rereadocspcerts rereadgroups",
    .as_auto = "rereadall rereadcerts rereadcacerts rereadcrls rereadgroups",
    .as_whack = "rereadall rereadcerts",
    .doc = "read all files anew",
    .act = reread_secrets,
};

const struct ipsec_command ipsec_cmd_ready = {
    .name = "ready",
    .also = "listen",
    .as_auto = "ready",
    .as_whack = "listen",
    .doc = "read all files anew; the daemon listens in any case",
    .act = get_ready,
};
