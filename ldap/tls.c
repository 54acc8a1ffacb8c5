#include "ldap/tls.h"

#include "base/ip.h"
#include "base/memory.h"
#include "platform/certificates.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

struct tls_trust {
    SSL_CTX *context;
};

static void add_root(void *user, const void *der, size_t length)
{
    const unsigned char *data = der;
    X509 *certificate = d2i_X509(NULL, &data, (long)length);
    /* One that OpenSSL cannot read does not stand in the way of the others. */
    if (certificate != NULL)
        X509_STORE_add_cert(user, certificate);
    X509_free(certificate);
}

static bool trust_system(SSL_CTX *context, struct error *error)
{
    if (SSL_CTX_set_default_verify_paths(context) != 1)
        return error_set(error, 0, "The certificate authorities of this computer cannot be read.");
    certificates_each_root(add_root, SSL_CTX_get_cert_store(context));
    return true;
}

static bool trust_file(SSL_CTX *context, const char *ca_file, struct error *error)
{
    if (SSL_CTX_load_verify_file(context, ca_file) == 1)
        return true;
    unsigned long code = ERR_get_error();
    const char *reason = ERR_reason_error_string(code);
    return error_set(error, 0,
                     "The file %s with the trusted certificate authority cannot be read: %s.",
                     ca_file, reason == NULL ? "it holds no certificate" : reason);
}

struct tls_trust *tls_trust_create(const char *ca_file, struct error *error)
{
    struct tls_trust *trust = memory_allocate(1, sizeof *trust);
    ERR_clear_error();
    trust->context = SSL_CTX_new(TLS_client_method());
    if (trust->context == NULL ||
        SSL_CTX_set_min_proto_version(trust->context, TLS1_2_VERSION) != 1)
        error_set(error, 0, "TLS cannot be used on this computer.");
    else if (ca_file[0] == '\0' ? trust_system(trust->context, error)
                                : trust_file(trust->context, ca_file, error))
        return trust;
    tls_trust_destroy(trust);
    return NULL;
}

void tls_trust_destroy(struct tls_trust *trust)
{
    if (trust == NULL)
        return;
    SSL_CTX_free(trust->context);
    memory_free(trust);
}

/* What the certificate says about itself, for a person. */
static void describe_subject(X509 *certificate, char *text, size_t size)
{
    text[0] = '\0';
    BIO *memory = BIO_new(BIO_s_mem());
    if (certificate != NULL && memory != NULL &&
        X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0,
                           XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        int length = BIO_read(memory, text, (int)size - 1);
        text[length < 0 ? 0 : length] = '\0';
    }
    BIO_free(memory);
}

static void explain(struct tls_check *check, int reason, const char *subject)
{
    const char *said = X509_verify_cert_error_string(reason);
    switch (reason) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        error_set(&check->found, reason,
                  "The certificate (%s) is not for %s. Enter the server by a name that its "
                  "certificate has.",
                  subject, check->host);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        error_set(&check->found, reason,
                  "The certificate (%s) is not valid now: %s. Renew it, or correct the clock.",
                  subject, said);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        error_set(
            &check->found, reason,
            "The server has a certificate that it made itself (%s). Give it one from an authority "
            "that is trusted here.",
            subject);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        error_set(
            &check->found, reason,
            "The certificate (%s) comes from an authority that is not trusted here. Trust that "
            "authority on this computer, or enter its certificate file.",
            subject);
        break;
    default:
        error_set(&check->found, reason, "The certificate (%s) is not trusted: %s.", subject, said);
    }
}

/* The first finding counts: what follows from it would only hide it. */
static int verify(int good, X509_STORE_CTX *store)
{
    SSL *session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_check *check = SSL_get_app_data(session);
    char subject[120];
    if (good == 1 || check == NULL)
        return good;
    if (check->found.text[0] == '\0') {
        describe_subject(X509_STORE_CTX_get_current_cert(store), subject, sizeof subject);
        explain(check, X509_STORE_CTX_get_error(store), subject);
    }
    return 0;
}

static bool expect_host(SSL *session, const char *host)
{
    struct ip_address address;
    X509_VERIFY_PARAM *parameters = SSL_get0_param(session);
    if (ip_parse(view_of_text(host), &address))
        return X509_VERIFY_PARAM_set1_ip(parameters, address.bytes, address.is_v6 ? 16 : 4) == 1;
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1;
}

/* Called by libldap before the handshake. */
static void prepare(LDAP *handle, void *session, void *context, void *argument)
{
    struct tls_check *check = argument;
    (void)handle;
    (void)context;
    check->prepared = expect_host(session, check->host) && SSL_set_app_data(session, check) == 1;
    SSL_set_verify(session, SSL_VERIFY_PEER, verify);
}

bool tls_check_begin(LDAP *handle, struct tls_trust *trust, struct tls_check *check)
{
    /* libldap's own check is off, because it knows no reason and takes "localhost" for another name. */
    int never = LDAP_OPT_X_TLS_NEVER;
    check->prepared = false;
    check->found = (struct error){0};
    return ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &never) == LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_X_TLS_CTX, trust->context) == LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_X_TLS_CONNECT_ARG, check) == LDAP_OPT_SUCCESS &&
           /* A function goes through a pointer to data: libldap's option takes it so. */
           ldap_set_option(handle, LDAP_OPT_X_TLS_CONNECT_CB, __extension__(void *) prepare) ==
               LDAP_OPT_SUCCESS;
}

bool tls_check_passed(LDAP *handle, const struct tls_check *check)
{
    SSL *session = NULL;
    return check->prepared && check->found.text[0] == '\0' &&
           ldap_get_option(handle, LDAP_OPT_X_TLS_SSL_CTX, &session) == LDAP_OPT_SUCCESS &&
           session != NULL && SSL_get_verify_mode(session) == SSL_VERIFY_PEER &&
           SSL_get_verify_result(session) == X509_V_OK &&
           SSL_get0_peer_certificate(session) != NULL;
}
