/* SPDX-License-Identifier: Apache-2.0 */
/* Which plane carries a connection. There are things that only userspace does, and things that only the
 * kernel does: what a connection asks for decides where the configuration leaves the choice (auto), and is
 * a reason to refuse where it does not. */
#include "model/plane.h"
#include "base/diag.h"
#include "model/connection.h"
#include <stdio.h>

const char *plane_name(enum plane p)
{
    return p == PLANE_KERNEL ? "kernel" : "user";
}

const char *dataplane_name(enum dataplane_choice c)
{
    static const char *const names[] = {
        [DATAPLANE_AUTO] = "auto", [DATAPLANE_USER] = "user", [DATAPLANE_KERNEL] = "kernel"};
    return names[c];
}

const char *per_cpu_name(enum per_cpu p)
{
    static const char *const names[] = {
        [PER_CPU_NO] = "no", [PER_CPU_YES] = "yes", [PER_CPU_ENCAP] = "encap"};
    return names[p];
}

const char *interface_kind_name(enum interface_kind k)
{
    return k == INTERFACE_VTI ? "vti" : "xfrm";
}

const char *interface_address_format(const struct kernel_interface *k, char *buf)
{
    char ip[IP_TEXT_MAX];
    snprintf(buf, INTERFACE_ADDRESS_TEXT, "%s/%u", ip_format(k->address, ip), k->bits);
    return buf;
}

/* ---- numbers of the kernel's */

static uint32_t number(uint32_t configured, uint32_t reqid, bool is_out)
{
    if (configured == KERNEL_UNIQUE)
        return 2 * reqid;
    return configured == KERNEL_UNIQUE_DIR ? 2 * reqid + is_out : configured;
}

static void choose(struct kernel_side *s, uint32_t reqid, bool is_out, bool is_same)
{
    if (s->mark.value >= KERNEL_UNIQUE_DIR && s->mark.mask)
        s->mark.value = number(s->mark.value, reqid, is_out) & s->mark.mask;
    if (is_same && s->set_mark.mask)
        s->set_mark.value = s->mark.value;
    s->if_id = number(s->if_id, reqid, is_out);
}

struct kernel_options kernel_numbers(const struct kernel_options *o, uint32_t reqid)
{
    struct kernel_options k = *o;
    choose(&k.in, reqid, false, k.is_set_mark_same_in);
    choose(&k.out, reqid, true, k.is_set_mark_same_out);
    return k;
}

static const char *number_format(uint32_t n, char *buf)
{
    if (n >= KERNEL_UNIQUE_DIR)
        return n == KERNEL_UNIQUE ? "%unique" : "%unique-dir";
    snprintf(buf, KERNEL_TEXT, "%u", n);
    return buf;
}

const char *kernel_id_format(uint32_t id, char *buf)
{
    return number_format(id, buf);
}

const char *kernel_mark_format(const struct mark *m, bool is_same, char *buf)
{
    char number_text[KERNEL_TEXT];
    if (m->mask == UINT32_MAX)
        return is_same ? "%same" : number_format(m->value, buf);
    if (is_same)
        snprintf(buf, KERNEL_TEXT, "%%same/0x%x", m->mask);
    else if (m->value >= KERNEL_UNIQUE_DIR)
        snprintf(buf, KERNEL_TEXT, "%s/0x%x", number_format(m->value, number_text), m->mask);
    else
        snprintf(buf, KERNEL_TEXT, "0x%x/0x%x", m->value, m->mask);
    return buf;
}

bool iptfs_same(const struct iptfs_options *a, const struct iptfs_options *b)
{
    return a->accepts_fragments == b->accepts_fragments && a->sends_whole == b->sends_whole &&
           a->packet_size == b->packet_size && a->max_queue_size == b->max_queue_size &&
           a->init_delay == b->init_delay && a->drop_time == b->drop_time &&
           a->reorder_window == b->reorder_window;
}

/* ---- what only one of the two does */

static bool needs_tcp(const struct connection *c, bool is_in_tcp)
{
    return is_in_tcp || c->tcp != TCP_NO;
}

static bool needs_classes(const struct child_config *c)
{
    return c->dscp != 0;
}

static bool needs_mark(const struct child_config *c)
{
    return c->kernel.in.mark.mask || c->kernel.out.mark.mask;
}

static bool needs_set_mark(const struct child_config *c)
{
    return c->kernel.in.set_mark.mask || c->kernel.out.set_mark.mask;
}

static bool needs_if_id(const struct child_config *c)
{
    return c->kernel.in.if_id || c->kernel.out.if_id;
}

static bool needs_device(const struct child_config *c)
{
    return c->kernel.device[0] != 0;
}

static bool needs_interface(const struct child_config *c)
{
    return c->kernel.interface.name[0] != 0;
}

static bool needs_iptfs(const struct child_config *c)
{
    return c->mode == MODE_IPTFS;
}

static bool needs_offload(const struct child_config *c)
{
    return c->kernel.offload == OFFLOAD_CRYPTO || c->kernel.offload == OFFLOAD_PACKET;
}

static bool wants_cpus(const struct child_config *c)
{
    return c->per_cpu != PER_CPU_NO;
}

#define KEYS_MAX 3
static const struct need {
    enum plane plane; /* that alone does it */
    enum kernel_feature feature;
    bool (*connection)(const struct connection *c, bool is_in_tcp);
    bool (*child)(const struct child_config *c);
    const char *what, *keys[KEYS_MAX];
} needs[] = {
    {PLANE_USER,   FEATURE_NONE,  needs_tcp, NULL,            "TCP encapsulation",         {"tcp"}                  },
    {PLANE_USER,   FEATURE_NONE,  NULL,      needs_classes,   "traffic classes (dscp)",    {"dscp"}                 },
    {PLANE_KERNEL, FEATURE_NONE,  NULL,      needs_mark,      "marks",                     {"mark_in", "mark_out"}  },
    {PLANE_KERNEL,
     FEATURE_SET_MARK,            NULL,
     needs_set_mark,                                          "marks that are set",
     {"set_mark_in", "set_mark_out"}                                                                                },
    {PLANE_KERNEL, FEATURE_NONE,  NULL,      needs_interface, "an interface of IPsec",     {"tunnel_interface"}     },
    {PLANE_KERNEL, FEATURE_IF_ID, NULL,      needs_if_id,     "XFRM interfaces (if_id)",   {"if_id_in", "if_id_out"}},
    {PLANE_KERNEL, FEATURE_NONE,  NULL,      needs_device,    "policies of one interface", {"interface"}            },
    {PLANE_KERNEL, FEATURE_IPTFS, NULL,      needs_iptfs,     "IP-TFS (mode iptfs)",       {"mode"}                 },
    {PLANE_KERNEL, FEATURE_NONE,  NULL,      needs_offload,   "hardware offload",          {"hw_offload"}           },
    {PLANE_KERNEL, FEATURE_CPU,   NULL,      wants_cpus,      "SAs for each processor",    {"per_cpu_sas"}          },
};

/* What is said of a kernel without it. */
static const struct {
    bool is_wish; /* it is done without, unless the kernel was asked for by name */
    const char *expected, *try;
} features[KERNEL_FEATURES] = {
    [FEATURE_IF_ID] = {false, "Linux 4.19",
                       "no if_id_in and if_id_out: policies alone lead packets into the tunnel"},
    [FEATURE_SET_MARK] = {false, "Linux 4.19, which sets marks with a mask",
                       "no set_mark_in and set_mark_out"                                       },
    [FEATURE_CPU] = {true,  "Linux 6.13",
                       "dataplane = auto: one SA serves all processors; or per_cpu_sas = no"   },
    [FEATURE_IPTFS] = {false, "Linux 6.14 with CONFIG_XFRM_IPTFS, and its module xfrm_iptfs",
                       "mode = tunnel"                                                         },
};

struct found {
    const struct need *need; /* NULL: none */
    const struct child_config *child;
};

/* The first need of that plane; with lacks: of those that its kernel does not have. with_wishes: and what can
 * be done without. */
static struct found find_need(const struct connection *c, bool is_in_tcp, enum plane p, const bool *lacks,
                              bool with_wishes)
{
    for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
        const struct need *n = &needs[i];
        if (n->plane != p || (lacks && !lacks[n->feature]) || (features[n->feature].is_wish && !with_wishes))
            continue;
        if (n->connection && n->connection(c, is_in_tcp))
            return (struct found){n, NULL};
        for (size_t k = 0; n->child && k < c->n_children; k++) {
            if (n->child(&c->children[k]))
                return (struct found){n, &c->children[k]};
        }
    }
    return (struct found){NULL, NULL};
}

static bool point_at(struct diag *why, const struct origins *from, const char *key)
{
    const struct origin *o = key ? origin_of(from, key) : NULL;
    if (o)
        diag_where(why, o->file, o->line, o->column);
    return o != NULL;
}

/* The line of what it needs, else that of the choice. */
static void where(struct diag *why, const struct connection *c, const struct settings *s,
                  const struct found *f)
{
    for (size_t i = 0; f->need && i < KEYS_MAX; i++) {
        if (point_at(why, f->child ? &f->child->origins : &c->origins, f->need->keys[i]))
            return;
        if (f->child && point_at(why, &c->origins, f->need->keys[i])) /* its default */
            return;
    }
    if (!point_at(why, &c->origins, "dataplane"))
        point_at(why, &s->origins, "dataplane");
}

static const char *whose(enum plane p)
{
    return p == PLANE_KERNEL ? "the kernel" : "userspace";
}

static const char *absence(const struct planes *p, enum plane plane, char *buf, size_t cap)
{
    if (plane == PLANE_USER)
        return "this machine has no data plane in userspace";
    snprintf(buf, cap, "the kernel cannot carry packets%s%s", p->why[0] ? ": " : " here", p->why);
    return buf;
}

/* What neither of the two can carry, or may. */
static void refuse(struct diag *why, const struct connection *c, enum dataplane_choice choice,
                   const struct planes *p, const struct found *user, const struct found *kernel)
{
    char buf[256];
    const struct found *f = user->need ? user : kernel;
    const bool asks_kernel = choice == DATAPLANE_KERNEL || (choice == DATAPLANE_AUTO && kernel->need);
    const enum plane asked = asks_kernel ? PLANE_KERNEL : PLANE_USER;
    if (user->need && kernel->need)
        diag_set(why, FAIL_CONFIG,
                 "connection %s needs %s, which only userspace does, and %s, which only the kernel does",
                 c->name, user->need->what, kernel->need->what);
    else if (f->need && choice != DATAPLANE_AUTO && f->need->plane != asked)
        diag_set(why, FAIL_CONFIG, "connection %s needs %s, which only %s does, and dataplane = %s", c->name,
                 f->need->what, whose(f->need->plane), dataplane_name(choice));
    else if (f->need)
        diag_set(why, FAIL_CONFIG, "connection %s needs %s, which only %s does, and %s", c->name,
                 f->need->what, whose(f->need->plane), absence(p, asked, buf, sizeof(buf)));
    else
        diag_set(why, FAIL_CONFIG, "connection %s cannot be: dataplane = %s, and %s", c->name,
                 dataplane_name(choice), absence(p, asked, buf, sizeof(buf)));
}

static const struct child_config *without_interface(const struct connection *c, const struct planes *p)
{
    for (size_t i = 0; i < c->n_children; i++) {
        const struct kernel_interface *k = &c->children[i].kernel.interface;
        if (k->name[0] && (k->kind == INTERFACE_VTI ? p->lacks_vti : p->lacks_xfrmi))
            return &c->children[i];
    }
    return NULL;
}

static void refuse_interface(struct diag *why, const struct connection *c, const struct child_config *child)
{
    const struct kernel_interface *k = &child->kernel.interface;
    const bool is_vti = k->kind == INTERFACE_VTI;
    diag_set(why, FAIL_CONFIG, "connection %s needs the interface %s, and this kernel has no %s interfaces",
             c->name, k->name, is_vti ? "VTI" : "XFRM");
    diag_expected(why, is_vti ? "the kernel module ip_vti (ip6_vti for IPv6)"
                              : "the kernel module xfrm_interface (Linux 4.19, CONFIG_XFRM_INTERFACE)");
    diag_got(why, "a kernel that knows no interfaces of kind %s", is_vti ? "vti" : "xfrm");
    diag_try(why, is_vti ? "modprobe ip_vti; or no interface: policies alone lead packets into the tunnel"
                         : "modprobe xfrm_interface; or no interface (ipsec-interface=no, no "
                           "tunnel_interface): policies alone lead packets into the tunnel");
    if (!point_at(why, &child->origins, "tunnel_interface"))
        point_at(why, &c->origins, "tunnel_interface");
}

static void refuse_feature(struct diag *why, const struct connection *c, const struct settings *s,
                           const struct planes *p, const struct found *lacking)
{
    const enum kernel_feature f = lacking->need->feature;
    diag_set(why, FAIL_CONFIG, "connection %s needs %s, and this kernel has none", c->name,
             lacking->need->what);
    diag_expected(why, "%s", features[f].expected);
    diag_got(why, "%s, which does not give back what an SA was to have of it", p->kernel);
    diag_try(why, "%s", features[f].try);
    where(why, c, s, lacking);
}

bool connection_plane(const struct connection *c, const struct settings *s, const struct planes *p,
                      bool is_in_tcp, enum plane *out, struct diag *why)
{
    const enum dataplane_choice choice = c->dataplane != DATAPLANE_AUTO ? c->dataplane : s->dataplane;
    const struct found user = find_need(c, is_in_tcp, PLANE_USER, NULL, false),
                       kernel = find_need(c, is_in_tcp, PLANE_KERNEL, NULL, false),
                       lacking = find_need(c, is_in_tcp, PLANE_KERNEL, p->lacks, choice == DATAPLANE_KERNEL);
    diag_clear(why);
    *out = PLANE_KERNEL;
    if (choice != DATAPLANE_USER && !user.need && p->has_kernel) {
        const struct child_config *child = without_interface(c, p);
        if (child)
            refuse_interface(why, c, child);
        else if (lacking.need)
            refuse_feature(why, c, s, p, &lacking);
        return !child && !lacking.need;
    }
    *out = PLANE_USER;
    if (choice != DATAPLANE_KERNEL && !kernel.need && p->has_user) {
        if (user.need && p->has_kernel && choice == DATAPLANE_AUTO)
            diag_set(why, FAIL_NONE, "%s, which only userspace does", user.need->what);
        return true;
    }
    refuse(why, c, choice, p, &user, &kernel);
    where(why, c, s, kernel.need ? &kernel : &user);
    return false;
}
