//! Why a certificate is not accepted, in words. Nothing is sent over such a connection.

use rustls::CertificateError;
use std::error::Error;
use std::io;

/// Why the host's certificate was refused, and what to do; none where that was not the trouble.
pub(super) fn refusal(error: &(dyn Error + 'static), host: &str) -> Option<String> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(refused) = certificate(cause) {
            let why = said(refused);
            return Some(format!("No secure connection to {host}, and nothing was sent: {why}."));
        }
        next = cause.source();
    }
    None
}

fn certificate<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    // An I/O error does not name what it wraps as its source, and may wrap another one.
    if let Some(wrapped) = error.downcast_ref::<io::Error>() {
        return certificate(wrapped.get_ref()?);
    }
    match error.downcast_ref()? {
        rustls::Error::InvalidCertificate(why) => Some(why),
        _ => None,
    }
}

const fn said(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::UnknownIssuer => {
            "its certificate was issued by nobody whom this machine trusts; have the app use one of a \
             known authority, or add that authority to the certificates of this machine"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another host name; check the address, or have the app use the \
             certificate of this one"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; have the app renew it, and check the clock of this machine"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check the clock of this machine"
        }
        CertificateError::Revoked => "its certificate was revoked; have the app renew it",
        _ => "its certificate cannot be used; have the app renew it",
    }
}

#[cfg(test)]
mod tests {
    use crate::adapters::adapter::Failure;
    use crate::adapters::http::{Call, Http, Method, TIMEOUT, Url, builder};
    use rcgen::CertifiedKey;
    use secrecy::SecretString;
    use serde_json::json;
    use std::sync::Arc;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;

    /// An app whose certificate is for that name; answers what became of the one connection that it
    /// takes, where to find it, and the certificate.
    async fn app(name: &str) -> (tokio::task::JoinHandle<bool>, String, Vec<u8>) {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let der = cert.der().clone();
        let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![der.clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let stands = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            acceptor.accept(stream).await.is_ok()
        });
        (stands, address, der.to_vec())
    }

    async fn told(http: &Http, address: &str) -> String {
        let url = Url::parse(&format!("{address}/Users")).unwrap();
        let body = Some(json!({ "userName": "ann" }));
        let call = Call { method: Method::POST, url, body };
        let token = SecretString::from("s3cret-token");
        match http.send(&call, &token, "application/scim+json").await {
            Err(Failure::Again { detail, .. }) => detail,
            other => panic!("{other:?}"),
        }
    }

    /// Others log that the push failed, or have a switch that trusts everybody.
    #[tokio::test]
    async fn complaint_20_a_certificate_of_ones_own_is_not_trusted() {
        let (stands, address, _) = app("localhost").await;
        let said = told(&Http::new(TIMEOUT).unwrap(), &address).await;
        assert!(said.contains("No secure connection to localhost"), "{said}");
        assert!(said.contains("certificate was issued by nobody"), "{said}");
        assert!(!stands.await.unwrap(), "no request could be read");
    }

    #[tokio::test]
    async fn complaint_20_a_certificate_for_another_host_is_not_trusted() {
        let (stands, address, der) = app("elsewhere.example").await;
        // Its issuer is trusted, so that only the name is wrong.
        let trusted = reqwest::Certificate::from_der(&der).unwrap();
        let client = builder(TIMEOUT).tls_certs_only([trusted]).build().unwrap();
        let said = told(&Http { client, throttle: None }, &address).await;
        assert!(said.contains("certificate is for another host name"), "{said}");
        assert!(said.contains("check the address"), "{said}");
        assert!(!stands.await.unwrap(), "no request could be read");
    }

    /// Nobody listens: that is no matter of certificates.
    #[tokio::test]
    async fn whoever_is_away_is_not_said_to_have_a_wrong_certificate() {
        let said = told(&Http::new(TIMEOUT).unwrap(), "https://localhost:1").await;
        assert!(!said.contains("certificate"), "{said}");
    }
}
