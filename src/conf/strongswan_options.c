/* SPDX-License-Identifier: Apache-2.0 */
/* See strongswan_options.h. */
#include "conf/strongswan_options.h"
#include "conf/schema.h"
#include "conf/value.h"
#include <stdio.h>

enum { PATH_LEN = 256, NEAR = 2 };

static size_t part_len(const char *path)
{
    return strcspn(path, ".");
}

/* The part after this one, or NULL. */
static const char *next_part(const char *path)
{
    path += part_len(path);
    return *path ? path + 1 : NULL;
}

static bool matches_part(const char *pattern, size_t pattern_len, const char *part, size_t len)
{
    if (pattern_len == 1 && *pattern == '*')
        return len > 0;
    if (pattern_len == 1 && *pattern == '#')
        return len > 0 && strspn(part, "0123456789") >= len;
    return pattern_len == len && memcmp(pattern, part, len) == 0;
}

/* Takes the pattern's parts off the path: what is left of it ("": nothing), or NULL. */
static const char *below(const char *pattern, const char *path)
{
    while (pattern && path) {
        if (!matches_part(pattern, part_len(pattern), path, part_len(path)))
            return NULL;
        pattern = next_part(pattern);
        path = next_part(path);
        if (!path)
            return pattern ? NULL : "";
    }
    return path;
}

/* Is the path the beginning of the pattern? */
static bool begins(const char *pattern, const char *path)
{
    for (; pattern && path; pattern = next_part(pattern), path = next_part(path)) {
        if (!matches_part(pattern, part_len(pattern), path, part_len(path)))
            return false;
    }
    return !path;
}

static bool is_among(const char *words, const char *name, size_t name_len)
{
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (matches_part(at, len, name, name_len))
            return true;
        at += len;
    }
    return false;
}

/* Where the options of a first part are: those that have no section of their own have another's. */
static const char *home(const char *path, char buf[PATH_LEN])
{
    static const struct {
        const char *name, *home;
    } relatives[] = {
        {"libtls",        "charon.tls"},
        {"libstrongswan", "charon"    },
        {"libcharon",     "charon"    },
        {"libhydra",      "charon"    },
        {"libtnccs",      "charon"    },
    };
    const char *rest = path + part_len(path);
    if (strncmp(path, "charon-", 7) == 0) {
        snprintf(buf, PATH_LEN, "charon%s", rest);
        return buf;
    }
    for (size_t i = 0; i < ARRAY_LEN(relatives); i++) {
        if (matches_part(relatives[i].name, strlen(relatives[i].name), path, part_len(path))) {
            snprintf(buf, PATH_LEN, "%s%s", relatives[i].home, rest);
            return buf;
        }
    }
    return path;
}

static const char charon[] = "charon", plugins[] = "charon.plugins";

static bool is_option(const char *path)
{
    const char *rest;
    for (const struct strongswan_options *o = strongswan_options; o->section; o++) {
        rest = below(o->section, path);
        if (rest && *rest && (strcmp(o->names, "**") == 0 || is_among(o->names, rest, strlen(rest))))
            return true;
    }
    rest = below(plugins, path);
    if (rest && is_among(strongswan_plugins, rest, part_len(rest)) &&
        strcmp(rest + part_len(rest), ".load") == 0)
        return true;
    rest = below(charon, path);
    const struct schema_row *row = rest && *rest ? schema_find(SCOPE_CHARON, rest) : NULL;
    return row && !row->has_suffix; /* what it may end with is in the table */
}

static bool is_section_of(const char *path)
{
    const char *rest;
    for (const struct strongswan_options *o = strongswan_options; o->section; o++) {
        if (begins(o->section, path))
            return true;
        rest = below(o->section, path);
        if (rest && strcmp(o->names, "**") == 0)
            return true;
    }
    rest = below(plugins, path);
    return rest && !strchr(rest, '.') && is_among(strongswan_plugins, rest, strlen(rest));
}

bool strongswan_has_option(const char *path)
{
    char buf[PATH_LEN];
    return is_option(path) || is_option(home(path, buf));
}

bool strongswan_has_section(const char *path)
{
    char buf[PATH_LEN];
    return is_section_of(path) || is_section_of(home(path, buf));
}

bool strongswan_next(const char *word, size_t *at, struct text *out)
{
    size_t n = 0;
    for (const struct strongswan_options *o = strongswan_options; o->section; o++) {
        for (const char *name = o->names; *name; name += strspn(name, " ")) {
            char path[PATH_LEN];
            size_t len = strcspn(name, " ");
            snprintf(path, sizeof(path), "%s.%.*s", o->section, (int)len, name);
            bool is_it = strcmp(word, path) == 0 || (strlen(word) == len && memcmp(word, name, len) == 0);
            name += len;
            if (n++ < *at || !is_it)
                continue;
            text_str(out, path);
            *at = n;
            return true;
        }
    }
    return false;
}

/* ---- what was meant ---- */

struct guess {
    const char *path; /* that does not exist */
    bool is_section;
    char near[PATH_LEN], elsewhere[PATH_LEN];
    unsigned best, n_elsewhere;
};

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* Is the option where the path is? Its part that stands where the path's last one does. */
static const char *beside(const char *option, const char *path)
{
    while (option && next_part(path)) {
        if (!matches_part(option, part_len(option), path, part_len(path)))
            return NULL;
        option = next_part(option);
        path = next_part(path);
    }
    return option;
}

/* An option that there is, of which the path may be a misspelling. */
static void consider(struct guess *g, const char *option)
{
    char word[PATH_LEN];
    const char *name = last_part(g->path), *there = beside(option, g->path);
    if (!g->is_section && below(charon, option) && strcmp(last_part(option), name) == 0) {
        g->n_elsewhere += strcmp(option, g->elsewhere) != 0;
        snprintf(g->elsewhere, sizeof(g->elsewhere), "%s", option);
    }
    if (!there || !next_part(there) != !g->is_section)
        return;
    snprintf(word, sizeof(word), "%.*s", (int)part_len(there), there);
    unsigned distance = value_distance(name, word);
    if (distance <= (strlen(word) < 5 ? 1 : NEAR) && distance < g->best) {
        g->best = distance;
        snprintf(g->near, sizeof(g->near), "%s", word);
    }
}

static void consider_names(struct guess *g, const char *section, const char *names, const char *end)
{
    char option[PATH_LEN];
    for (const char *at = names; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        snprintf(option, sizeof(option), "%s.%.*s%s", section, (int)len, at, end);
        consider(g, option);
        at += len;
    }
}

static void guess(struct guess *g)
{
    for (const struct strongswan_options *o = strongswan_options; o->section; o++)
        consider_names(g, o->section, o->names, "");
    consider_names(g, plugins, strongswan_plugins, ".load");
    for (size_t i = 0; schema_at(i); i++) {
        if (schema_at(i)->scope == SCOPE_CHARON)
            consider_names(g, charon, schema_at(i)->key, "");
    }
}

bool strongswan_suggest(const char *path, bool is_section, struct text *out)
{
    char buf[PATH_LEN];
    struct guess g = {.path = path, .is_section = is_section, .best = NEAR + 1};
    guess(&g);
    if (!*g.near && next_part(path)) {
        g.path = home(path, buf);
        g.n_elsewhere = 0;
        *g.elsewhere = 0;
        guess(&g);
    }
    if (*g.near)
        text_str(out, g.near);
    else if (g.n_elsewhere == 1)
        text_str(out, g.elsewhere);
    return *g.near || g.n_elsewhere == 1;
}

/* ---- the names ---- */

/* clang-format off */
const struct strongswan_options strongswan_options[] = {
    {"aikgen", "load"},
    {"attest", "database load"},
    {"charon",
        "accept_private_algs accept_unencrypted_mainmode_messages block_threshold cache_crls cert_cache "
        "check_current_path cisco_flexvpn cisco_unity close_ike_on_child_failure cookie_threshold "
        "cookie_threshold_ip delete_rekeyed delete_rekeyed_delay dh_exponent_ansi_x9_42 dlopen_use_rtld_now dns1 "
        "dns2 dos_protection flush_auth_cfg follow_redirects force_eap_only_authentication fragment_size "
        "fragment_size_v4 fragment_size_v6 group half_open_timeout hash_and_url "
        "i_dont_care_about_security_and_use_aggressive_mode_psk ignore_acquire_ts ignore_routing_tables "
        "ikesa_limit ikesa_table_segments ikesa_table_size inactivity_close_ike init_limit_half_open "
        "init_limit_job_load initiator_only install_routes install_virtual_ip install_virtual_ip_on "
        "integrity_test interfaces_ignore interfaces_use keep_alive keep_alive_dpd_margin load load_modular "
        "make_before_break max_ikev1_exchanges max_packet multiple_authentication nbns1 nbns2 ocsp_nonce_len port "
        "port_nat_t prefer_best_path prefer_configured_proposals prefer_temporary_addrs process_route "
        "rdn_matching receive_delay receive_delay_request receive_delay_response receive_delay_type "
        "reject_trusted_end_entity replay_window reqid_base retransmit_base retransmit_jitter retransmit_limit "
        "retransmit_timeout retransmit_tries retry_initiate_interval reuse_ikesa routing_table routing_table_prio "
        "rsa_pss rsa_pss_trailerfield send_delay send_delay_request send_delay_response send_delay_type "
        "send_vendor_id signature_authentication signature_authentication_constraints spi_label spi_mask spi_max "
        "spi_min threads user"},
    {"charon-cmd", "load_modular"},
    {"charon-nm",
        "ca_dir install_virtual_ip_on load_modular mtu port port_nat_t retransmit_base retransmit_timeout "
        "retransmit_tries routing_table routing_table_prio"},
    {"charon-nm.plugins.kernel-netlink", "fwmark"},
    {"charon-nm.plugins.socket-default", "fwmark"},
    {"charon-nm.syslog.daemon", "default"},
    {"charon-systemd.journal", "* default"},
    {"charon.crypto_test", "bench bench_size bench_time on_add on_create required rng_true"},
    {"charon.filelog", "**"},
    {"charon.host_resolver", "max_threads min_threads"},
    {"charon.imcv", "assessment_result database policy_script"},
    {"charon.imcv.os_info", "default_password_enabled name version"},
    {"charon.iptfs", "accept_fragments dont_frag drop_time init_delay max_queue_size packet_size reorder_window"},
    {"charon.leak_detective", "detailed usage_threshold usage_threshold_count"},
    {"charon.plugins.addrblock", "depth strict"},
    {"charon.plugins.android_log", "loglevel"},
    {"charon.plugins.attr", "# address dhcp dns nbns netmask split-exclude split-include subnet"},
    {"charon.plugins.attr-sql", "crash_recovery database lease_history"},
    {"charon.plugins.bliss", "use_bliss_b"},
    {"charon.plugins.botan", "internal_rng_only"},
    {"charon.plugins.botan.rng", "strong true"},
    {"charon.plugins.bypass-lan", "interfaces_ignore interfaces_use"},
    {"charon.plugins.certexpire.csv", "cron empty_string fixed_fields force format local remote separator"},
    {"charon.plugins.coupling", "file hash max"},
    {"charon.plugins.curl", "redir tls_backend"},
    {"charon.plugins.dhcp", "force_server_address identity_lease interface interface_receive server use_server_port"},
    {"charon.plugins.dnscert", "enable"},
    {"charon.plugins.drbg", "max_drbg_requests"},
    {"charon.plugins.duplicheck", "enable socket"},
    {"charon.plugins.eap-aka", "request_identity"},
    {"charon.plugins.eap-aka-3gpp", "seq_check"},
    {"charon.plugins.eap-aka-3gpp2", "seq_check"},
    {"charon.plugins.eap-dynamic", "prefer_user preferred"},
    {"charon.plugins.eap-gtc", "backend"},
    {"charon.plugins.eap-peap",
        "fragment_size include_length max_message_count phase2_method phase2_piggyback phase2_tnc "
        "request_peer_auth"},
    {"charon.plugins.eap-radius",
        "accounting accounting_close_on_timeout accounting_interval accounting_requires_vip accounting_send_class "
        "class_group close_all_on_timeout eap_start filter_id id_prefix nas_identifier port retransmit_base "
        "retransmit_timeout retransmit_tries secret server sockets source station_id_with_port"},
    {"charon.plugins.eap-radius.dae", "enable listen port secret"},
    {"charon.plugins.eap-radius.forward", "ike_to_radius radius_to_ike"},
    {"charon.plugins.eap-radius.servers.*",
        "acct_port address auth_port nas_identifier port preference retransmit_base retransmit_timeout "
        "retransmit_tries secret sockets source"},
    {"charon.plugins.eap-radius.xauth.*", "*"},
    {"charon.plugins.eap-sim", "request_identity"},
    {"charon.plugins.eap-simaka-sql", "database remove_used"},
    {"charon.plugins.eap-tls", "fragment_size include_length max_message_count"},
    {"charon.plugins.eap-tnc", "max_message_count protocol"},
    {"charon.plugins.eap-ttls",
        "fragment_size include_length max_message_count phase2_method phase2_piggyback phase2_tnc "
        "phase2_tnc_method request_peer_auth"},
    {"charon.plugins.error-notify", "socket"},
    {"charon.plugins.ext-auth", "script"},
    {"charon.plugins.forecast", "groups interface reinject"},
    {"charon.plugins.gcrypt", "quick_random"},
    {"charon.plugins.ha",
        "autobalance buflen fifo_interface heartbeat_delay heartbeat_timeout local monitor pools "
        "receive_buffer_size remote resync secret segment_count"},
    {"charon.plugins.ipseckey", "enable"},
    {"charon.plugins.kernel-libipsec", "allow_peer_ts fwmark raw_esp"},
    {"charon.plugins.kernel-netlink",
        "buflen force_receive_buffer_size fwmark hw_offload_feature_interface ignore_retransmit_errors "
        "install_routes_xfrmi mss mtu parallel_route parallel_xfrm policy_update port_bypass process_rules "
        "receive_buffer_size retries roam_events set_proto_port_transport_sa timeout xfrm_acq_expires"},
    {"charon.plugins.kernel-netlink.spdh_thresh.ipv4", "lbits rbits"},
    {"charon.plugins.kernel-netlink.spdh_thresh.ipv6", "lbits rbits"},
    {"charon.plugins.kernel-pfkey", "events_buffer_size route_via_internal"},
    {"charon.plugins.kernel-pfroute", "mtu vip_wait"},
    {"charon.plugins.led", "activity_led blink_time"},
    {"charon.plugins.load-tester",
        "addrs_keep addrs_prefix ca_dir child_rekey crl delay delete_after_established digest dpd_delay "
        "dynamic_port eap_password enable esp fake_kernel ike_rekey init_limit initiator initiator_auth "
        "initiator_id initiator_match initiator_tsi initiator_tsr initiators issuer_cert issuer_key iterations "
        "mode pool preshared_key proposal request_virtual_ip responder responder_auth responder_id responder_tsi "
        "responder_tsr shutdown_when_complete socket version"},
    {"charon.plugins.load-tester.addrs", "*"},
    {"charon.plugins.lookip", "socket"},
    {"charon.plugins.ntru", "parameter_set"},
    {"charon.plugins.openssl", "engine_id fips_mode load_legacy"},
    {"charon.plugins.openxpki", "database"},
    {"charon.plugins.osx-attr", "append"},
    {"charon.plugins.p-cscf.enable", "*"},
    {"charon.plugins.pkcs11", "reload_certs use_dh use_ecc use_hasher use_pubkey use_rng use_rsa_pss_hashers"},
    {"charon.plugins.pkcs11.modules.*", "load_certs os_locking path"},
    {"charon.plugins.radattr", "dir message_id"},
    {"charon.plugins.random", "random strong_equals_true urandom"},
    {"charon.plugins.resolve", "file"},
    {"charon.plugins.resolve.resolvconf", "iface iface_prefix path"},
    {"charon.plugins.revocation", "enable_crl enable_ocsp timeout"},
    {"charon.plugins.save-keys", "esp ike load wireshark_keys"},
    {"charon.plugins.socket-default", "fwmark set_source set_sourceif use_ipv4 use_ipv6"},
    {"charon.plugins.sql", "database loglevel"},
    {"charon.plugins.stroke",
        "allow_swap ignore_missing_ca_basic_constraint max_concurrent prevent_loglevel_changes secrets_file "
        "socket timeout"},
    {"charon.plugins.systime-fix", "interval reauth threshold threshold_format timeout"},
    {"charon.plugins.tnc-ifmap",
        "client_cert client_key device_name renew_session_interval server_cert server_uri username_password"},
    {"charon.plugins.tnc-imc", "dlclose preferred_language"},
    {"charon.plugins.tnc-imv", "dlclose recommendation_policy"},
    {"charon.plugins.tnc-pdp", "server timeout"},
    {"charon.plugins.tnc-pdp.pt_tls", "enable port"},
    {"charon.plugins.tnc-pdp.radius", "enable method port secret"},
    {"charon.plugins.tnccs-11", "max_message_size"},
    {"charon.plugins.tnccs-20", "max_batch_size max_message_size mutual"},
    {"charon.plugins.tnccs-20.tests", "pb_tnc_noskip pb_tnc_version"},
    {"charon.plugins.tpm", "ek_handle fips_186_4 use_rng"},
    {"charon.plugins.tpm.tcti", "name opts"},
    {"charon.plugins.unbound", "dlv_anchors resolv_conf trust_anchors"},
    {"charon.plugins.updown", "dns_handler"},
    {"charon.plugins.vici", "socket"},
    {"charon.plugins.whitelist", "enable socket"},
    {"charon.plugins.wolfssl", "fips_mode"},
    {"charon.plugins.xauth-eap", "backend"},
    {"charon.plugins.xauth-pam", "pam_service session trim_email"},
    {"charon.processor.priority_threads", "critical high low medium"},
    {"charon.start-scripts", "*"},
    {"charon.stop-scripts", "*"},
    {"charon.syslog", "identifier"},
    {"charon.syslog.*", "* default ike_name log_level map_level"},
    {"charon.tls",
        "cipher ke_group key_exchange mac send_certreq_authorities signature suites version_max version_min"},
    {"charon.tnc", "tnc_config"},
    {"charon.x509", "enforce_critical"},
    {"imv_policy_manager", "command_allow command_block database load"},
    {"libimcv", "debug_level load stderr_quiet"},
    {"libimcv.plugins.imc-attestation",
        "aik_blob aik_cert aik_handle aik_pubkey hash_algorithm mandatory_dh_groups nonce_len pcr17_after "
        "pcr17_before pcr17_meas pcr18_after pcr18_before pcr18_meas pcr_info pcr_padding use_quote2 "
        "use_version_info"},
    {"libimcv.plugins.imc-hcd", "push_info"},
    {"libimcv.plugins.imc-hcd.subtypes.*.*.*", "name patches string_version version"},
    {"libimcv.plugins.imc-hcd.subtypes", "**"},
    {"libimcv.plugins.imc-hcd.subtypes.system",
        "certification_state configuration_state machine_type_model pstn_fax_enabled time_source "
        "user_application_enabled user_application_persistence_enabled vendor_name vendor_smi_code"},
    {"libimcv.plugins.imc-os", "device_cert device_handle device_id device_pubkey push_info"},
    {"libimcv.plugins.imc-scanner", "push_info"},
    {"libimcv.plugins.imc-swima", "eid_epoch subscriptions swid_database swid_directory swid_full swid_pretty"},
    {"libimcv.plugins.imc-test", "additional_ids command dummy_size retry retry_command"},
    {"libimcv.plugins.imv-attestation", "cadir dh_group hash_algorithm mandatory_dh_groups min_nonce_len"},
    {"libimcv.plugins.imv-os", "remediation_uri"},
    {"libimcv.plugins.imv-scanner", "remediation_uri"},
    {"libimcv.plugins.imv-swima.rest_api", "timeout uri"},
    {"libimcv.plugins.imv-test", "rounds"},
    {"libimcv.swid_gen", "command"},
    {"libimcv.swid_gen.tag_creator", "name regid"},
    {"manager", "database debug load socket threads timeout"},
    {"medsrv", "database debug dpd load password_length rekey socket threads timeout"},
    {"pki", "load"},
    {"pki.scep", "http_bind http_timeout renewal_via_pkcs_req"},
    {"pool", "database load"},
    {"sec-updater", "database load tnc_manage_command"},
    {"sec-updater.swid_gen", "command"},
    {"sec-updater.swid_gen.tag_creator", "name regid"},
    {"sec-updater.tmp", "deb_file tag_file"},
    {"starter", "config_file load_warning"},
    {"sw-collector", "database first_file first_time history load"},
    {"sw-collector.rest_api", "timeout uri"},
    {"swanctl", "load socket"},
    {NULL},
};

const char strongswan_plugins[] =
    "acert addrblock aes aesni af-alg agent android-log android_log attr attr-sql bliss blowfish botan bypass-lan "
    "ccm certexpire chapoly cmac connmark constraints counters coupling ctr curl curve25519 des dhcp dnscert "
    "dnskey drbg duplicheck eap-aka eap-aka-3gpp eap-aka-3gpp2 eap-dynamic eap-gtc eap-identity eap-md5 "
    "eap-mschapv2 eap-peap eap-radius eap-sim eap-sim-file eap-sim-pcsc eap-simaka-pseudonym eap-simaka-reauth "
    "eap-simaka-sql eap-tls eap-tnc eap-ttls error-notify ext-auth farp files fips-prf forecast gcm gcrypt gmp ha "
    "hmac ipseckey kdf kernel-iph kernel-libipsec kernel-netlink kernel-pfkey kernel-pfroute kernel-wfp keychain "
    "ldap led load-tester lookip maemo md4 md5 medcli medsrv mgf1 ml mysql newhope nonce ntru openssl openxpki "
    "osx-attr p-cscf padlock pem pgp pkcs1 pkcs11 pkcs12 pkcs7 pkcs8 pubkey radattr random rc2 rdrand resolve "
    "revocation save-keys selinux sha1 sha2 sha3 smp socket-default socket-dynamic socket-win soup sql sqlite "
    "sshkey stroke systime-fix test-vectors tnc-ifmap tnc-imc tnc-imv tnc-pdp tnc-tnccs tnccs-11 tnccs-20 "
    "tnccs-dynamic tpm uci unbound unity updown vici whitelist winhttp wolfssl x509 xauth-eap xauth-generic "
    "xauth-noauth xauth-pam xcbc";
/* clang-format on */
