#include "platform/certificates.h"

#include <windows.h>

#include <wincrypt.h>

/* "ROOT" of the computer, which the service sees whoever it runs as: group policy and AD put theirs there. */
void certificates_each_root(void (*each)(void *user, const void *der, size_t length), void *user)
{
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0,
                                     CERT_SYSTEM_STORE_LOCAL_MACHINE | CERT_STORE_READONLY_FLAG |
                                         CERT_STORE_OPEN_EXISTING_FLAG,
                                     L"ROOT");
    if (store == NULL)
        return;
    const CERT_CONTEXT *certificate = NULL;
    while ((certificate = CertEnumCertificatesInStore(store, certificate)) != NULL)
        each(user, certificate->pbCertEncoded, certificate->cbCertEncoded);
    CertCloseStore(store, 0);
}
