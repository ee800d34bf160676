/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials for the tests of conf/, made for them alone: an authority, a certificate of it for
 * moon.example, its key, and that key under the passphrase "sesame". Valid until 2081. */
#pragma once

/* clang-format off */
static const char test_ca[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBtzCCAV2gAwIBAgIUGu0yruL2ma1EyF4ivAe1WosxK5gwCgYIKoZIzj0EAwIw\n"
    "MDELMAkGA1UEBhMCQ0gxDzANBgNVBAoMBktleXdheTEQMA4GA1UEAwwHVGVzdCBD\n"
    "QTAgFw0yNjExMjEwMjI5MjZaGA8yMDgxMDgyNDAyMjkyNlowMDELMAkGA1UEBhMC\n"
    "Q0gxDzANBgNVBAoMBktleXdheTEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49\n"
    "AgEGCCqGSM49AwEHA0IABG8fC4mPMLIoTdAZ9Zg45nN9AlMV5JCJ+dRHQXaGZLde\n"
    "e0Z+sMik2mZmGno9Gw4yFt2WX4w4BEmPtiVK5PXjQ0+jUzBRMB0GA1UdDgQWBBSE\n"
    "JgSjKP6SNnOw+mtHTHkVHT4g+DAfBgNVHSMEGDAWgBSEJgSjKP6SNnOw+mtHTHkV\n"
    "HT4g+DAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIExn9R2scptp\n"
    "iZiYXxJJnurxYPWPY9hOl7YB5hUBwKvoAiEAs3d4+LsOqcavfyhv1ACrzPIDQCxe\n"
    "Ach2+/irCwiCNDA=\n"
    "-----END CERTIFICATE-----\n";
static const char test_moon[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBwTCCAWigAwIBAgIUSHjZc6MAilAVk1rS0RQHlIkVEYYwCgYIKoZIzj0EAwIw\n"
    "MDELMAkGA1UEBhMCQ0gxDzANBgNVBAoMBktleXdheTEQMA4GA1UEAwwHVGVzdCBD\n"
    "QTAgFw0yNjExMjEwMjI5MjZaGA8yMDgxMDgyNDAyMjkyNlowLTELMAkGA1UEBhMC\n"
    "Q0gxDzANBgNVBAoMBktleXdheTENMAsGA1UEAwwEbW9vbjBZMBMGByqGSM49AgEG\n"
    "CCqGSM49AwEHA0IABFxtYE6yKLkS5smrFeW0m6BY9+zU8tOP7xvuged99wIWxT7I\n"
    "03SkN1c8ds8OEPHkuJRhEt8AQmjUzk6z069odQyjYTBfMB0GA1UdEQQWMBSCDG1v\n"
    "b24uZXhhbXBsZYcEwAACATAdBgNVHQ4EFgQUJ0wUQK+0ulhexxeuCitS6AodbOsw\n"
    "HwYDVR0jBBgwFoAUhCYEoyj+kjZzsPprR0x5FR0+IPgwCgYIKoZIzj0EAwIDRwAw\n"
    "RAIgRXB+UGK3xPmWegkwsa/TLw4qn1xMTDiwjsma4hrTrbQCIFaTpflTP1Che6S2\n"
    "pzTRR9oVIHQk9EzylwZZyPoxFt2O\n"
    "-----END CERTIFICATE-----\n";
static const char test_moon_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgnTP7pMLABciUxk9m\n"
    "IJICQDHdaAkCAFJZfUmLcBT/N6ehRANCAARcbWBOsii5EubJqxXltJugWPfs1PLT\n"
    "j+8b7oHnffcCFsU+yNN0pDdXPHbPDhDx5LiUYRLfAEJo1M5Os9OvaHUM\n"
    "-----END PRIVATE KEY-----\n";
static const char test_moon_locked[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjp/Bt7Zu/uWAICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEELfGb7jfSHGL3pCSp6r9nxsEgZCM\n"
    "t5JXBrN5fGERSURCDW8f11aeGONnEiyR5aw3E1/X5esbghxTtqbv29ti/4xyLSCm\n"
    "8i+ye1idNCNNAzmy/tNRv/leeOB0PB97FvDJHDxArGgMn1VIelTPTqoeHgdNIhcG\n"
    "6DAhGGp51IwILaAnr70CZ3IZ4cSvsfjnQThyAh8q8siLBpROeowjkOq94YxgoNM=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
/* clang-format on */
