/* SPDX-License-Identifier: Apache-2.0 */
/* The program `pki`. */
#include "bin/pki/pki.h"

int main(int argc, char **argv)
{
    return pki_main(argc, argv, "pki");
}
