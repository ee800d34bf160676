#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Purity of the core: the static libraries of the sans-IO modules import nothing but each other, the crypto facade,
OpenSSL's parsers (pki only), zlib's streams (esp only) and the harmless part of libc. No socket, clock, thread, file, environment or RNG.
Usage: check_purity.py BUILD_DIR"""
import pathlib
import re
import subprocess
import sys

PURE = ["net", "pki", "model", "conf", "esp", "ike", "engine"]
LOWER = ["base", "crypto"]
LIBC = re.compile(
    r"^(mem(cpy|move|set|cmp|chr|mem)|explicit_bzero|str(len|nlen|cmp|ncmp|casecmp|ncasecmp|chr|rchr|str|cpy|ncpy|cat|spn|cspn|dup|ndup|pbrk|casestr|sep|tok_r)"
    r"|__isoc99_sscanf|sscanf|strto(l|ul|ll|ull|d)|__isoc23_strto(l|ul|ll|ull)|atoi|v?snprintf|__v?snprintf_chk"
    r"|__(memcpy|memset|memmove|strcpy|strcat|strncpy|explicit_bzero)_chk|__stack_chk_fail|__assert_fail"
    r"|malloc|calloc|realloc|free|abort|qsort|bsearch|reg(comp|exec|free)|inet_(pton|ntop)|hton[ls]|ntoh[ls]|__ctype_b_loc|__ctype_tolower_loc"
    r"|__ctype_toupper_loc|tolower|toupper|is(alnum|alpha|digit|space|print|xdigit|upper|lower)|gmtime_r|timegm|strftime|pow|labs|llabs|_GLOBAL_OFFSET_TABLE_)$"
)
TOOLS = re.compile(r"^(__asan|__ubsan|__sanitizer|__gcov|__sancov|__start___sancov|__stop___sancov|__odr_asan)")
OPENSSL = re.compile(r"^(X509|ASN1|EVP_|OBJ_|PEM_|BIO_|d2i_|i2d_|GENERAL_NAME|OPENSSL_|CRYPTO_|NAME_CONSTRAINTS|BASIC_CONSTRAINTS"
                     r"|EXTENDED_KEY_USAGE|AUTHORITY_KEYID|ERR_|sk_|BN_|GENERAL_NAMES|CERTIFICATEPOLICIES|POLICY_MAPPING|a2i_|OBJ"
                     r"|RSA_PSS_PARAMS|CRL_DIST_POINTS|DIST_POINT|ISSUING_DIST_POINT|POLICY_CONSTRAINTS|AUTHORITY_INFO_ACCESS|OCSP_|CMS_|PKCS7_|PKCS8_|PKCS12_|PBEPARAM_|PBE2PARAM_|PBKDF2PARAM_"
                     r"|POLICYINFO|POLICYQUALINFO|USERNOTICE|ACCESS_DESCRIPTION|GENERAL_SUBTREE|IPAddr)")
ZLIB = re.compile(r"^(deflate|inflate)(Init2_|Reset|End)?$")
FORBIDDEN_OPENSSL = re.compile(r"^(RAND_|BIO_new_file|BIO_read_filename|X509_LOOKUP_file|X509_cmp_current_time|BIO_s_file|BIO_s_connect"
                               r"|OCSP_check_validity|OCSP_request_add1_nonce|OCSP_basic_add1_nonce|OCSP_sendreq"
                               r"|CMS_sign(_|$)|CMS_add1_signer|CMS_final|CMS_encrypt)")


def symbols(library, kind):
    out = subprocess.run(["nm", "-A", kind, str(library)], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        where, _, rest = line.rpartition(":")
        yield where.split(":")[-1], rest.split()[-1]


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    build = pathlib.Path(sys.argv[1])
    own = set()
    for name in PURE + LOWER:
        library = build / f"libkw_{name}.a"
        if library.exists():
            own.update(symbol for _, symbol in symbols(library, "--defined-only"))
    bad, checked = [], 0
    for name in PURE:
        library = build / f"libkw_{name}.a"
        if not library.exists():
            bad.append(f"{library}: not built")
            continue
        for member, symbol in symbols(library, "--undefined-only"):
            checked += 1
            if symbol in own or LIBC.match(symbol) or TOOLS.match(symbol):
                continue
            if name == "pki" and OPENSSL.match(symbol) and not FORBIDDEN_OPENSSL.match(symbol):
                continue
            if name == "esp" and ZLIB.match(symbol):
                continue
            bad.append(f"{name}: {member} imports {symbol}")
    for line in bad:
        print(line)
    print(f"purity: {checked} imported symbols of {len(PURE)} libraries, {len(bad)} not allowed")
    return 1 if bad or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
