/* SPDX-License-Identifier: Apache-2.0 */
/* What each form has no place for, and why. A difference that is not among these is a defect: the test of
 * all pairs of forms fails on it. */
#include "conf/convert/private.h"

#define S (1u << FORM_SWANCTL)
#define W (1u << FORM_STRONGSWAN)
#define L (1u << FORM_LIBRESWAN)
#define K (1u << FORM_KEYWAY)
#define I (W | L)

static const char no_key[] = "it has no such key";
static const char in_charon[] = "charon.iptfs of strongswan.conf is for all children";
static const char one_margin[] = "one rekeymargin and rekeyfuzz serve the IKE SA and its child";
static const char one_child[] = "a conn has one child: each is a conn of its own";
static const char whole_numbers[] = "it has the tries of the attempt, and no way to go on for ever";
static const char in_tunnel[] = "a tunnel has no key for it";

static const struct {
    unsigned forms;
    const char *path; /* "*" stands for a child's name */
    const char *why;
} absences[] = {
    {L,         "children.*.local_ts",      "without a subnet an end of what passes is its host"                  },
    {L,         "children.*.remote_ts",     "without a subnet an end of what passes is its host"                  },
    {I,         "shunts",                   one_child                                                             },
    {S | I | K, "logging",                  "strongswan.conf has sections filelog, syslog and journal for it"     },
    {I,         "children",                 one_child                                                             },
    {I,         "connection",               one_child                                                             },
    {S | K,     "name",                     "names of sections have no dots, blanks or signs"                     },
    {I,         "name",                     "names of conns have no blanks or signs"                              },
    {S | I | K, "children.*.name",          "a child is called as its conn, and names have no dots"               },
    {L,         "ppk_id",                   "the PPK of ipsec.secrets that fits is used"                          },
    {K,         "retries_forever",          "only a tunnel can try for ever with longer and longer breaks"        },
    {S | I,     "retries_forever",          whole_numbers                                                         },
    {K,         "over_time",                in_tunnel                                                             },
    {K,         "rand_time",                in_tunnel                                                             },
    {K,         "children.*.rand_time",     in_tunnel                                                             },
    {K,         "children.*.rand_bytes",    in_tunnel                                                             },
    {K,         "children.*.rand_packets",  in_tunnel                                                             },
    {K,         "children.*.life_bytes",    in_tunnel                                                             },
    {K,         "children.*.life_packets",  in_tunnel                                                             },
    {S | I,     "children.*.peer_decides",  "only a tunnel can insist on all traffic"                             },
    {I,         "over_time",                one_margin                                                            },
    {I,         "rand_time",                one_margin                                                            },
    {I,         "rekey_time",               "an IKE SA is either rekeyed or made anew, as reauth says"            },
    {I,         "reauth_time",              one_margin                                                            },
    {I,         "children.*.rekey_time",    "rekey=no is for both, the IKE SA and its child"                      },
    {I,         "children.*.life_time",     "rekey=no is for both, the IKE SA and its child"                      },
    {I,         "children.*.rand_time",     one_margin                                                            },
    {I,         "children.*.rand_bytes",    "it is the margin"                                                    },
    {I,         "children.*.rand_packets",  "it is the margin"                                                    },
    {L,         "children.*.rekey_bytes",   "it has no margin of volumes"                                         },
    {L,         "children.*.rekey_packets", "it has no margin of volumes"                                         },
    {I,         "crash_detection",          no_key                                                                },
    {I,         "message_id_sync",          no_key                                                                },
    {I,         "children.*.mark_in_sa",    no_key                                                                },
    {I,         "children.*.set_mark_in",   no_key                                                                },
    {I,         "children.*.set_mark_out",  no_key                                                                },
    {I,         "children.*.if_id_in",      no_key                                                                },
    {I,         "children.*.if_id_out",     no_key                                                                },
    {I,         "children.*.interface",     no_key                                                                },
 /* clang-format off */
    {S | I,     "children.*.tunnel_interface", "interfaces are yours to make there, with if_id_in and if_id_out, or marks"},
    {S | I,     "children.*.tunnel_interface_kind", no_key},
    {S | I,     "children.*.tunnel_interface_address", no_key},
    {S | I,     "children.*.tunnel_interface_routes", no_key},
    {S | W,     "children.*.iptfs_accept_fragments", in_charon},
    {S | W,     "children.*.iptfs_dont_frag", in_charon},
    {S | W,     "children.*.iptfs_packet_size", in_charon},
    {S | W,     "children.*.iptfs_max_queue_size", in_charon},
    {S | W,     "children.*.iptfs_init_delay", in_charon},
    {S | W,     "children.*.iptfs_drop_time", in_charon},
    {S | W,     "children.*.iptfs_reorder_window", in_charon},
    {L,         "children.*.iptfs_accept_fragments", no_key},
    {W,         "children.*.mode", "it has no IP-TFS"},
  /* clang-format on */
    {W,         "children.*.hw_offload",    no_key                                                                },
    {W,         "children.*.per_cpu_sas",   no_key                                                                },
    {L,         "children.*.per_cpu_sas",   "clones is yes or no"                                                 },
    {L,         "children.*.mark_in",       "it has unique marks that are the same in both directions"            },
    {L,         "children.*.mark_out",      "it has unique marks that are the same in both directions"            },
    {I,         "window",                   no_key                                                                },
    {I,         "childless",                no_key                                                                },
    {I,         "send_certreq",             no_key                                                                },
    {I,         "ocsp",                     no_key                                                                },
    {I,         "unique",                   "uniqueids is one for all connections"                                },
    {I,         "remote.revocation",        "it is one for all connections"                                       },
    {L,         "dscp",                     no_key                                                                },
    {W,         "encap",                    "forceencaps is yes or nothing"                                       },
    {W,         "tcp",                      no_key                                                                },
    {W,         "tcp_port",                 no_key                                                                },
    {W,         "session_resumption",       no_key                                                                },
    {W,         "ppk_id",                   no_key                                                                },
    {W,         "ppk_required",             no_key                                                                },
    {W,         "redirect",                 no_key                                                                },
    {W,         "redirect_when",            no_key                                                                },
    {L,         "redirect",                 "clients are redirected once they have proved who they are"           },
    {L,         "redirect_when",            "clients are redirected once they have proved who they are"           },
    {W,         "children.*.copy_df",       no_key                                                                },
    {W,         "children.*.copy_dscp",     no_key                                                                },
    {I,         "children.*.copy_ecn",      no_key                                                                },
    {I,         "children.*.dscp",          no_key                                                                },
    {W,         "children.*.priority",      no_key                                                                },
    {L,         "children.*.policies",      no_key                                                                },
    {L,         "children.*.inactivity",    no_key                                                                },
    {L,         "children.*.hostaccess",    no_key                                                                },
    {L,         "children.*.firewall",      no_key                                                                },
    {W,         "children.*.source",        no_key                                                                },
    {L,         "children.*.source",        "without leftsubnet leftsourceip is the network, too"                 },
    {I,         "children.*.updown_style",  "scripts hear what the file's own suite tells them"                   },
    {L,         "children.*.close_action",  "what is to be up is revived, and nothing else"                       },
    {I,         "children.*.start_action",  "auto is either start or route; a conn without a peer's address waits"},
    {I,         "children.*.dpd_action",    "a conn without a peer's address waits"                               },
    {L,         "children.*.ah_proposals",  "esn and pfs are one for all proposals"                               },
    {L,         "children.*.esp_proposals", "esn and pfs are one for all proposals, and AH excludes ESP"          },
    {L,         "local_addrs",              "an end has one address"                                              },
    {L,         "remote_addrs",             "an end has one address"                                              },
    {L,         "vips",                     "one address is asked for, of one family"                             },
    {S | K,     "pools",                    "a section's name has no dots"                                        },
    {I,         "pools",                    "a pool is part of its conn"                                          },
    {I,         "local.rounds",             "it has at most two rounds, Libreswan one"                            },
    {I,         "remote.rounds",            "it has at most two rounds, Libreswan one"                            },
    {I,         "local.round",              "rounds are in their order"                                           },
    {I,         "remote.round",             "rounds are in their order"                                           },
    {I,         "local.certs",              "it takes one certificate, from a file"                               },
    {I,         "remote.certs",             "it takes one certificate, from a file"                               },
    {I,         "remote.cacerts",           "rightca names an authority by its identity"                          },
    {I,         "remote.ca_id",             "rightca names an authority by its identity"                          },
    {L,         "remote.cert_policy",       no_key                                                                },
    {L,         "remote.groups",            no_key                                                                },
    {L,         "local.auth",               "it has no word for these signatures"                                 },
    {L,         "remote.auth",              "it has no word for these signatures"                                 },
    {I,         "local.id",                 "without leftid the address counts"                                   },
    {I,         "pool",                     "a pool is part of its conn"                                          },
    {I,         "attributes",               "peers are told name servers, and to Libreswan's domains"             },
    {I,         "addrs",                    "a pool is part of its conn"                                          },
    {L,         "uris",                     "it has no ca sections"                                               },
    {W,         "uris",                     "it takes two addresses of each kind"                                 },
    {S | I | K, "trust",                    "copy the file into the folder of trusted authorities"                },
    {S | I | K, "key",                      "copy the file into the folder of private keys"                       },
    {K,         "owners",                   "the secret of a tunnel is for its peer's identity"                   },
    {I,         "ppk",                      "a PPK has one name"                                                  },
    {S | I,     "dataplane",                no_key                                                                },
    {S | I,     "dataplane_workers",        no_key                                                                },
    {S | I,     "resolv_conf",              no_key                                                                },
    {S | I,     "esp_path",                 no_key                                                                },
    {S | I | K, "ipsec_dialect",            "the file says it in its first line"                                  },
    {S | W,     "listen_tcp",               no_key                                                                },
    {L,         "listen_tcp",               "it is yes or no"                                                     },
};

/* "children.lan.mode" is under "children.*.mode", "local-2.id" under "local.id". */
static bool is_under(const char *path, const char *pattern)
{
    static const char children[] = "children.";
    const char *star = strchr(pattern, '*'), *last = strrchr(path, '.'), *dash = strchr(path, '-');
    if (star)
        return strncmp(path, children, sizeof(children) - 1) == 0 && last && strcmp(last, star + 1) == 0;
    if (!dash || !last || dash > last)
        return strcmp(path, pattern) == 0;
    size_t len = (size_t)(dash - path);
    return strncmp(path, pattern, len) == 0 && strcmp(pattern + len, last) == 0;
}

/* Settings of the daemon: those of keyway.conf, of which the others have some. */
static bool has_setting(enum convert_form f, const char *key)
{
    size_t n;
    const struct schema_row *rows = schema_ipsec_rows(&n);
    if (f == FORM_KEYWAY || !schema_find(SCOPE_GLOBAL, key))
        return true;
    if (f != FORM_LIBRESWAN)
        return schema_find(SCOPE_CHARON, key) != NULL;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].scope == SCOPE_IPSEC_SETUP && rows[i].maps && strcmp(rows[i].maps, key) == 0 &&
            (rows[i].dialects & DIALECT_LIBRESWAN))
            return true;
    }
    return false;
}

const char *convert_absence(enum convert_form f, const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(absences); i++) {
        if ((absences[i].forms & (1u << f)) && is_under(path, absences[i].path))
            return absences[i].why;
    }
    return strchr(path, '.') || has_setting(f, path) ? NULL : no_key;
}
