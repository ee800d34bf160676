/* SPDX-License-Identifier: Apache-2.0 */
/* Who carries the packets of a child: threads of this daemon, or the kernel; and what only the kernel knows
 * of one. Numbers are in host order. */
#pragma once

#include "net/ip.h"
#include <stdbool.h>
#include <stdint.h>

enum plane { PLANE_USER, PLANE_KERNEL };
const char *plane_name(enum plane p); /* "user" */

/* What the configuration says: of all, and of a connection. AUTO: the kernel where it can do what the
 * connection needs. */
enum dataplane_choice { DATAPLANE_AUTO, DATAPLANE_USER, DATAPLANE_KERNEL };
const char *dataplane_name(enum dataplane_choice c); /* "auto" */

/* What children may need of a kernel beyond the basics. Older ones ignore that it is asked of an SA. */
enum kernel_feature {
    FEATURE_NONE,
    FEATURE_IF_ID,
    FEATURE_SET_MARK,
    FEATURE_CPU,
    FEATURE_IPTFS,
    KERNEL_FEATURES
};

/* What this machine has. */
struct planes {
    bool has_user, has_kernel;
    bool lacks[KERNEL_FEATURES]; /* of a kernel that is there: it was asked, and asked back */
    bool lacks_xfrmi, lacks_vti; /* interfaces that this kernel was asked to make, and cannot */
    uint32_t n_cpus;             /* to which the kernel binds SAs; 0: it binds none */
    char kernel[80];             /* "Linux 6.1.0" */
    char why[200];               /* why there is no kernel's; empty: it is there, or was not asked for */
};

/* SAs of a child beside its first one, each for a processor (RFC 9611). ENCAP: each from a port of its own,
 * where ESP is in UDP. */
enum per_cpu { PER_CPU_NO, PER_CPU_YES, PER_CPU_ENCAP };
const char *per_cpu_name(enum per_cpu p); /* "no" */

struct cpu { /* a processor of this machine, or none */
    bool is_set;
    uint32_t number; /* from 0 */
};

struct mark { /* of packets: (packet's & mask) == value; mask 0: none */
    uint32_t value, mask;
};

/* As numbers in a configuration: one of its own for each child; the same for each direction of each. */
#define KERNEL_UNIQUE     UINT32_MAX
#define KERNEL_UNIQUE_DIR (UINT32_MAX - 1)

struct kernel_side {
    struct mark mark;     /* of policies, and of the SA: out, and in with marks_inbound_sa */
    struct mark set_mark; /* what the SA marks its packets with */
    uint32_t if_id;       /* of policies and SA: an XFRM interface's; 0: none */
};

enum hw_offload { OFFLOAD_NO, OFFLOAD_CRYPTO, OFFLOAD_PACKET, OFFLOAD_AUTO };

/* Of a child in mode IPTFS [RFC9347]: what is asked of the peer, and of the kernel for each direction. */
struct iptfs_options {
    bool accepts_fragments, sends_whole; /* parts of the packets that are inside; no parts are sent */
    uint32_t packet_size;                /* bytes of an outer packet at most; 0: what the path carries */
    uint32_t max_queue_size;             /* bytes that wait to be sent */
    uint32_t init_delay;                 /* microseconds that a first packet waits for others */
    uint32_t drop_time;      /* microseconds after which an outer packet that has not come is lost */
    uint16_t reorder_window; /* outer packets that may come out of order */
};
bool iptfs_same(const struct iptfs_options *a, const struct iptfs_options *b);

#define KERNEL_DEVICE 16 /* bytes of an interface's name with its end */

/* One that Keyway makes for the packets of a child: it has the child's if_id (XFRM), or its marks (VTI). */
enum interface_kind { INTERFACE_XFRM, INTERFACE_VTI };
const char *interface_kind_name(enum interface_kind k); /* "xfrm" */

struct kernel_interface {
    char name[KERNEL_DEVICE]; /* empty: none */
    enum interface_kind kind;
    struct ip address; /* of the interface, in a network of so many bits; family 0: none */
    uint8_t bits;
    bool is_routed; /* routes to the peer's networks lead there */
};

#define INTERFACE_ADDRESS_TEXT (IP_TEXT_MAX + 4)
const char *interface_address_format(const struct kernel_interface *k,
                                     char *buf /* that */); /* "192.0.2.1/24" */

struct kernel_options {
    struct kernel_side in, out;
    bool marks_inbound_sa;
    bool is_set_mark_same_in, is_set_mark_same_out; /* set_mark_in = %same: the packet's own, with its mask */
    char device[KERNEL_DEVICE];                     /* policies are for this interface alone; empty: all */
    enum hw_offload offload;
    struct iptfs_options iptfs;
    struct kernel_interface interface;
};

/* As a configuration has them: "42", "0x2a/0xff", "%unique", "%same/0xff" (is_same). */
#define KERNEL_TEXT 32
const char *kernel_mark_format(const struct mark *m, bool is_same, char *buf /* KERNEL_TEXT */);
const char *kernel_id_format(uint32_t id, char *buf /* KERNEL_TEXT */);
/* o with its numbers chosen: by the reqid, which no other child has, and which rekeys keep. */
struct kernel_options kernel_numbers(const struct kernel_options *o, uint32_t reqid);

struct connection;
struct settings;
struct diag;
/* Who carries the packets of a connection whose IKE SA is in UDP, or in TCP. False with why (FAIL_CONFIG):
 * nobody can as it is configured. True, and AUTO is not the kernel though that is there: why->what says what
 * the connection has that the kernel cannot do; else it is empty. */
bool connection_plane(const struct connection *c, const struct settings *s, const struct planes *p,
                      bool is_in_tcp, enum plane *out, struct diag *why);
