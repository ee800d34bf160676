/* SPDX-License-Identifier: Apache-2.0 */
/* What the control loop's files share. */
#pragma once

#include "base/list.h"
#include "conf/choice.h"
#include "conf/conf.h"
#include "sys/addresses.h"
#include "sys/dataplane.h"
#include "sys/dns_keys.h"
#include "sys/fwrules.h"
#include "sys/interfaces.h"
#include "sys/loop.h"
#include "sys/loop_tcp.h"
#include "sys/revoker.h"
#include "sys/route.h"
#include "sys/shunt.h"
#include "sys/updown.h"
#include "sys/vips.h"
#include "sys/xfrm.h"

struct queued_command {
    struct list link;
    struct command command;
    char connection[256], child[256];
    char peer_id[ID_TEXT_MAX], gateway[256];
};

struct udp_watch {
    uv_poll_t poll;
    struct sock sock;
    bool is_natt; /* IKE stands behind a marker; the port's ESP goes to the data plane */
    struct loop *loop;
};

#define LOOP_PORTS_MAX   32  /* of single connections, each address family for itself */
#define LOOP_ERRORS_MAX  32  /* configuration errors that are reported at once */
#define LOOP_RELOADS_MAX 128 /* that are waited for; vici has fewer clients */

struct loop {
    struct loop_options o;
    struct loop_hooks hooks;
    uv_loop_t uv;
    uv_timer_t timer, stop_timer, refresh_timer, roam_timer, overlay_timer;
    uv_poll_t news; /* of addresses */
    struct addresses *addresses;
    struct path_query *queries; /* of the last steps, not answered yet */
    size_t n_queries, cap_queries;
    uv_signal_t signals[4];
    uv_async_t kick; /* queued commands, data plane messages, decided verifications */
    struct revoker *revoker;
    struct dns_keys *dns_keys;
    struct udp_watch ike[2], natt[2], ports[LOOP_PORTS_MAX];
    size_t n_ports;
    uint16_t port_natt;
    struct engine *engine;
    struct config *read;     /* what the files said when all were read */
    struct config *files;    /* that, with the newest settings; the engine's is that with the overlay */
    struct overlay *overlay; /* what clients loaded */
    bool has_overlay_news, has_credential_news; /* the engine has not been told yet */
    struct outbox outbox;
    struct dataplane *dataplane; /* NULL: the kernel's alone */
    struct xfrm *xfrm;           /* NULL: ours alone */
    struct planes planes;
    struct xfrm_moved moved;
    struct sock encap[2]; /* of the NAT traversal port: whose ESP the kernel takes */
    uv_poll_t xfrm_events;
    uv_timer_t xfrm_timer;
    bool has_asked_kernel; /* and has not told the engine what came of it */
    struct interfaces interfaces;
    struct vips vips; /* virtual addresses on interfaces that are not ours */
    struct route_table *routes;
    struct shunts *shunts;
    struct updown_runner *updown;
    struct fwrules *fwrules;
    struct loop_tcp *tcp;
    char device[16];
    int device_index;
    char vip_device[32];             /* install_virtual_ip_on; empty: the tunnel's */
    char resolv_conf[PATH_TEXT_MAX]; /* empty: nobody is told of name servers */
    struct settings in_force;        /* those that need a restart to change; no texts */
    struct list commands;
    unsigned working;
    struct time started;
    bool is_stepping, is_answering, is_stopping, is_reloading, is_looking_up;
    unsigned refreshes;
    struct choices choices;
    uint64_t waiting[LOOP_RELOADS_MAX]; /* tokens of reloads that begin when the one that runs is over */
    size_t n_waiting;
    bool is_all_wanted; /* one of them is not for the settings alone */
};

/* loop_exec.c: does what the outbox says. */
void loop_execute(struct loop *l, const struct outbox *o);
void loop_take_decided(struct loop *l); /* verifications that had to ask somebody */
/* loop.c: one engine step and what follows. The input's job or config is taken. */
void loop_step(struct loop *l, const struct input *in);
void loop_wake(void *loop); /* any thread: the data plane has a message */
/* loop_open.c: sockets, TUN, routes, data plane. On failure loop_close_world() clears what there is. */
bool loop_open_world(struct loop *l, const struct config *config, struct diag *d);
void loop_close_world(struct loop *l);
/* loop_kernel.c: the kernel's data plane. False when it has to be there and is not. */
bool loop_kernel_open(struct loop *l, const struct config *c, struct diag *d);
bool loop_wants_kernel(const struct config *c);
bool loop_wants_user(const struct config *c);
/* Who carries packets is told to the engine, and events are heard from now on. */
void loop_kernel_start(struct loop *l);
void loop_kernel_rearm(struct loop *l, int64_t at);
void loop_kernel_bypass(const struct loop *l, const struct sock *s);
bool loop_is_kernels(const struct loop *l, const struct action *a);
void loop_kernel_apply(struct loop *l, const struct action *a);
/* A snapshot comes into force: the interfaces that it wants before, those that it does not after. */
void loop_kernel_expect(struct loop *l, const struct config *c);
void loop_kernel_settle(struct loop *l);
/* What an earlier run left goes, when the configuration is in force. */
void loop_kernel_sweep(struct loop *l);
void loop_kernel_close(struct loop *l);
/* loop_exec.c */
void loop_clean_resolv_conf(const struct loop *l);
/* loop_receive.c */
void loop_watch_socket(struct loop *l, struct udp_watch *w);
/* One datagram from the NAT traversal port; prefix: the marker, or nothing for a keepalive. */
bool loop_send_natt(struct loop *l, struct ip local, const struct endpoint *remote, uint8_t tos,
                    struct span prefix, struct span bytes);
/* loop_ports.c: sockets for the local_port of connections. */
void loop_open_ports(struct loop *l, const struct config *config);
void loop_close_ports(struct loop *l);
/* The one that sends from this port; another port: the daemon's. */
const struct sock *loop_ike_socket(const struct loop *l, uint8_t family, uint16_t port);
/* loop_config.c */
struct config *loop_load(const struct loop_options *o, const struct choices *choices, struct diag *errors,
                         size_t *n_errors);
/* Peers' names for a snapshot that the engine has not seen yet; waits for 3 seconds at most: a tunnel's first
 * attempt must not fail for a name that was not asked for. */
void loop_look_up_first(const struct config *c);
/* loop_overlay.c: what the files say now, which is taken, into the engine with what clients loaded. */
void loop_take_files(struct loop *l, struct config *files);
/* Only their settings: the rest stays. */
void loop_take_settings(struct loop *l, struct config *settings);
/* loop_roam.c: changes of addresses and routes go to the engine, from now on. */
bool loop_roam_open(struct loop *l, const struct settings *s, int device, struct diag *d);
void loop_roam_start(struct loop *l, const struct settings *s);
void loop_roam_tell(struct loop *l, const struct settings *s); /* now, whether or not something has changed */
void loop_roam_close(struct loop *l);
void loop_roam_ask(struct loop *l, const struct path_query *q); /* ACTION_PATHS, to be answered */
void loop_roam_answer(struct loop *l);                          /* after a step */
/* ACTION_RESOLVE, to be answered later. */
void loop_resolve(struct loop *l, const struct resolve_query *q);
/* Local addresses and peers' names, now and again. */
void loop_watch_addresses(struct loop *l);
