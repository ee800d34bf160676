/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that only the kernel's data plane can heed: marks, interface ids, the interface of policies. Which
 * connections can be carried with them is model/plane.h's. */
#include "conf/schema.h"
#include "conf/value.h"
#include <string.h>
#include <strings.h>

static bool parse_octal(const char *word, uint64_t *out)
{
    *out = 0;
    while (*word >= '0' && *word <= '7' && *out <= UINT32_MAX)
        *out = 8 * *out + (uint64_t)(*word++ - '0');
    return !*word;
}

/* As both suites read them: 0x and hexadecimal, 0 and octal, or decimal. */
static bool parse_number(const char *text, size_t len, uint32_t *out)
{
    char word[32];
    uint64_t n;
    if (len == 0 || len >= sizeof(word))
        return false;
    memcpy(word, text, len);
    word[len] = 0;
    bool is_octal = word[0] == '0' && word[1] && (word[1] | 0x20) != 'x';
    if (!(is_octal ? parse_octal(word, &n) : value_number(word, &n)) || n > UINT32_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static bool parse_unique(const char *text, size_t len, uint32_t *out)
{
    bool is_one = is_word(text, len, "%unique"), is_two = is_word(text, len, "%unique-dir");
    if (is_one || is_two)
        *out = is_one ? KERNEL_UNIQUE : KERNEL_UNIQUE_DIR;
    return is_one || is_two;
}

/* VALUE or VALUE/MASK; is_same: %same may stand for the value, or NULL. */
static bool parse_mark(const char *text, bool *is_same, struct mark *out)
{
    const size_t len = strcspn(text, "/");
    const char *mask = text[len] ? text + len + 1 : NULL;
    *out = (struct mark){.mask = UINT32_MAX};
    if (mask && !parse_number(mask, strlen(mask), &out->mask))
        return false;
    if (is_same) {
        *is_same = is_word(text, len, "%same");
        if (*is_same)
            return true;
    } else if (parse_unique(text, len, &out->value)) {
        return true;
    }
    if (!parse_number(text, len, &out->value))
        return false;
    out->value &= out->mask;
    return true;
}

void set_mark(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct child_config *c = dest;
    struct mark mark;
    bool is_in = strcmp(row->key, "mark_in") == 0;
    if (parse_mark(key->value, NULL, &mark))
        *(is_in ? &c->kernel.in.mark : &c->kernel.out.mark) = mark;
    else
        build_expected(build_error(b, key, "not a mark"), key,
                       "VALUE or VALUE/MASK, where VALUE may be %unique or %unique-dir");
}

void set_set_mark(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct child_config *c = dest;
    struct mark mark;
    bool is_same, is_in = strcmp(row->key, "set_mark_in") == 0;
    if (!parse_mark(key->value, &is_same, &mark)) {
        build_expected(build_error(b, key, "not a mark"), key, "VALUE, VALUE/MASK, %same or %same/MASK");
        return;
    }
    *(is_in ? &c->kernel.in.set_mark : &c->kernel.out.set_mark) = mark;
    *(is_in ? &c->kernel.is_set_mark_same_in : &c->kernel.is_set_mark_same_out) = is_same;
}

static void parse_if_id(struct builder *b, const struct setting *key, uint32_t *out)
{
    size_t len = strlen(key->value);
    if (!parse_unique(key->value, len, out) && !parse_number(key->value, len, out))
        build_expected(build_error(b, key, "not an interface id"), key,
                       "a number, %unique, %unique-dir or 0 for none");
}

void set_if_id(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct child_config *c = dest;
    parse_if_id(b, key, strcmp(row->key, "if_id_in") == 0 ? &c->kernel.in.if_id : &c->kernel.out.if_id);
}

void set_default_if_id(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct connection *c = dest;
    parse_if_id(b, key, strcmp(row->key, "if_id_in") == 0 ? &c->if_id_in : &c->if_id_out);
}

static void parse_device(struct builder *b, const struct setting *key, char out[KERNEL_DEVICE])
{
    size_t len = strlen(key->value);
    memset(out, 0, KERNEL_DEVICE);
    if (len < KERNEL_DEVICE && !strpbrk(key->value, "/: \t%"))
        memcpy(out, key->value, len);
    else
        build_expected(build_error(b, key, "not an interface"), key, "a name of up to 15 characters");
}

void set_policy_device(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    parse_device(b, key, ((struct child_config *)dest)->kernel.device);
}

void set_interface_name(struct builder *b, const struct schema_row *row, const struct setting *key,
                        void *dest)
{
    (void)row;
    parse_device(b, key, ((struct child_config *)dest)->kernel.interface.name);
}

void set_interface_address(struct builder *b, const struct schema_row *row, const struct setting *key,
                           void *dest)
{
    struct kernel_interface *k = &((struct child_config *)dest)->kernel.interface;
    const size_t len = strcspn(key->value, "/");
    char word[IP_TEXT_MAX];
    uint32_t bits = 0;
    (void)row;
    bool ok = len < sizeof(word);
    if (ok) {
        memcpy(word, key->value, len);
        word[len] = 0;
        ok = ip_parse(word, &k->address);
    }
    const uint32_t most = ok ? 8 * (uint32_t)ip_len(k->address) : 0;
    if (ok && !key->value[len])
        bits = most;
    else if (ok)
        ok = parse_number(key->value + len + 1, strlen(key->value + len + 1), &bits) && bits && bits <= most;
    k->bits = (uint8_t)bits;
    if (!ok)
        build_expected(build_error(b, key, "not an interface's address"), key,
                       "an address, or address/bits as in 192.0.2.1/24");
}

static bool is_asked_for(const struct kernel_options *k)
{
    return k->in.mark.mask || k->out.mark.mask || k->in.set_mark.mask || k->out.set_mark.mask ||
           k->in.if_id || k->out.if_id || k->device[0] || k->interface.name[0];
}

static void refuse_interface(struct builder *b, const struct child_config *c, const struct setting *section,
                             const char *why)
{
    errors_add(b->errs, section->file, section->line, section->column, "child '%s': tunnel_interface = %s %s",
               c->name, c->kernel.interface.name, why);
}

/* ipsec7: 7 */
static uint32_t number_of_name(const char *name)
{
    uint32_t n = 0;
    const char *digits = name + strlen(name);
    while (digits > name && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    return parse_number(digits, strlen(digits), &n) ? n : 0;
}

static void finish_interface(struct builder *b, struct child_config *c, const struct setting *section)
{
    struct kernel_options *k = &c->kernel;
    const struct mark *in = &k->in.mark, *out = &k->out.mark;
    if (k->interface.kind == INTERFACE_VTI) {
        if (!in->mask || !out->mask || in->value >= KERNEL_UNIQUE_DIR || out->value >= KERNEL_UNIQUE_DIR)
            refuse_interface(b, c, section, "is a VTI, which needs mark_in and mark_out that are numbers");
        else if (c->mode != MODE_TUNNEL)
            refuse_interface(b, c, section, "is a VTI, which is for tunnel mode");
        return;
    }
    if (!k->in.if_id && !k->out.if_id)
        k->in.if_id = k->out.if_id = number_of_name(k->interface.name);
    if (!k->in.if_id || k->in.if_id >= KERNEL_UNIQUE_DIR)
        refuse_interface(b, c, section,
                         "needs if_id_in and if_id_out that are a number, or a name that ends with one");
    else if (k->in.if_id != k->out.if_id)
        refuse_interface(b, c, section, "has one id, and if_id_in and if_id_out are not the same");
}

void build_finish_kernel(struct builder *b, const struct connection *conn, struct child_config *c,
                         const struct setting *section)
{
    if (c->mode >= MODE_PASS && is_asked_for(&c->kernel))
        errors_add(b->errs, section->file, section->line, section->column,
                   "child '%s' passes or drops packets: marks, interface ids and interfaces are for tunnels",
                   c->name);
    if (c->mode >= MODE_PASS)
        return;
    c->kernel.in.if_id = c->kernel.in.if_id ? c->kernel.in.if_id : conn->if_id_in;
    c->kernel.out.if_id = c->kernel.out.if_id ? c->kernel.out.if_id : conn->if_id_out;
    if (c->kernel.interface.name[0])
        finish_interface(b, c, section);
}
