/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, colours, and numbers as people read them. */
#include "bin/keyway/cli.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const codes[] = {
    [CLI_PLAIN] = "",       [CLI_GREEN] = "\033[32m", [CLI_YELLOW] = "\033[33m",
    [CLI_RED] = "\033[31m", [CLI_BOLD] = "\033[1m",
};

const char *cli_color_on(bool has_color, enum cli_color color)
{
    return has_color ? codes[color] : "";
}

const char *cli_color_off(bool has_color)
{
    return has_color ? "\033[0m" : "";
}

void cli_table_row(struct cli_table *t)
{
    t->rows = realloc(t->rows, (t->n_rows + 1) * sizeof(*t->rows));
    if (!t->rows)
        abort();
    memset(&t->rows[t->n_rows++], 0, sizeof(*t->rows));
}

void cli_table_cell(struct cli_table *t, size_t column, enum cli_color color, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&t->rows[t->n_rows - 1].cells[column], fmt, ap) < 0)
        abort();
    va_end(ap);
    t->rows[t->n_rows - 1].colors[column] = color;
}

static void print_cell(const char *text, size_t width, bool is_last, bool has_color, enum cli_color color)
{
    int pad = is_last ? 0 : (int)(width - strlen(text)) + 2;
    bool is_colored = has_color && color != CLI_PLAIN;
    printf("%s%s%s%*s", cli_color_on(is_colored, color), text, cli_color_off(is_colored), pad, "");
}

void cli_table_print(struct cli_table *t, bool has_color)
{
    size_t widths[TABLE_COLUMNS] = {0};
    for (size_t c = 0; c < t->n_columns; c++) {
        widths[c] = strlen(t->heads[c]);
        for (size_t r = 0; r < t->n_rows; r++) {
            size_t len = t->rows[r].cells[c] ? strlen(t->rows[r].cells[c]) : 0;
            widths[c] = len > widths[c] ? len : widths[c];
        }
    }
    for (size_t c = 0; c < t->n_columns; c++)
        print_cell(t->heads[c], widths[c], c + 1 == t->n_columns, has_color, CLI_BOLD);
    putchar('\n');
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            char *text = t->rows[r].cells[c];
            print_cell(text ? text : "", widths[c], c + 1 == t->n_columns, has_color, t->rows[r].colors[c]);
            free(text);
        }
        putchar('\n');
    }
    free(t->rows);
    t->rows = NULL;
    t->n_rows = 0;
}

const char *cli_bytes(int64_t n, char buf[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double v = (double)n;
    size_t u = 0;
    while (v >= 1024 && u + 1 < ARRAY_LEN(units)) {
        v /= 1024;
        u++;
    }
    snprintf(buf, 32, u && v < 100 ? "%.1f %s" : "%.0f %s", v, units[u]);
    return buf;
}

const char *cli_duration(int64_t s, char buf[32])
{
    long long v = s;
    if (v < 60)
        snprintf(buf, 32, "%llds", v);
    else if (v < 3600)
        snprintf(buf, 32, "%lldm", v / 60);
    else if (v < 86400)
        snprintf(buf, 32, "%lldh %lldm", v / 3600, v / 60 % 60);
    else
        snprintf(buf, 32, "%lldd %lldh", v / 86400, v / 3600 % 24);
    return buf;
}
