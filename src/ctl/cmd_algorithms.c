/* SPDX-License-Identifier: Apache-2.0 */
/* keyway-algorithms: libraries { NAME = VERSION }, then a section for each kind with one for each algorithm
 * and key length: { esp, ike: the library, or empty where none serves it; not there where it cannot be
 * negotiated; weak; but, but-lacks: a quicker library that does not serve it, and why }. get-algorithms keeps
 * the protocol's own form. */
#include "crypto/service.h"
#include "ctl/commands.h"
#include <stdio.h>

static void write_libraries(struct vici_writer *w)
{
    struct service_library l;
    vici_section(w, "libraries");
    for (size_t i = 0; service_library_at(i, &l); i++)
        vici_text(w, l.name, l.version ? l.version : "");
    vici_section_end(w);
}

static void write_row(struct vici_writer *w, const struct service *s)
{
    char section[VICI_NAME_MAX + 1];
    if (s->key_bits)
        snprintf(section, sizeof(section), "%s_%u", s->name, s->key_bits);
    vici_section(w, s->key_bits ? section : s->name);
    vici_text(w, "name", s->name);
    if (s->key_bits)
        vici_printf(w, "key-bits", "%u", s->key_bits);
    if (s->is_esp)
        vici_text(w, "esp", s->esp ? s->esp : "");
    if (s->is_ike)
        vici_text(w, "ike", s->ike ? s->ike : "");
    vici_flag(w, "weak", s->is_weak);
    if (s->but)
        vici_text(w, "but", s->but);
    if (s->but_lacks)
        vici_text(w, "but-lacks", s->but_lacks);
    vici_section_end(w);
}

void ctl_cmd_keyway_algorithms(struct ctl_request *r)
{
    struct service s;
    struct vici_writer *w = r->reply;
    enum service_kind kind = SERVICE_KINDS;
    write_libraries(w);
    for (size_t i = 0; service_at(i, &s); i++) { /* kind by kind */
        if (s.kind != kind && kind != SERVICE_KINDS)
            vici_section_end(w);
        if (s.kind != kind)
            vici_section(w, service_kind_name(s.kind));
        kind = s.kind;
        write_row(w, &s);
    }
    vici_section_end(w);
}
