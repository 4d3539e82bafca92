//! The node's certificate, where it is reached over TLS.
//!
//! What does not belong here: whom a client trusts. That is the client's own business, and shares no code with this.

use std::fmt;
use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Versions of HTTP by their names in a TLS handshake (RFC 7301), the better one first.
const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// Where a node's certificate comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Tls {
    /// Made at the start, for this machine's own names and these, by an authority that is made as well.
    Made {
        /// More names of the node.
        names: Vec<String>,
    },
    /// Given, both as PEM.
    Given {
        /// The certificate, and those between it and its authority.
        chain: Vec<u8>,
        /// Its private key.
        key: Vec<u8>,
    },
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tls::Made { names } => f.debug_struct("Made").field("names", names).finish(),
            Tls::Given { .. } => f.write_str("Given"),
        }
    }
}

/// What a version of HTTP is called in the handshake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Versions {
    /// HTTP/2, and HTTP/1.1 for those who do not know it
    #[default]
    Both,
    /// HTTP/1.1 only
    #[value(name = "1.1")]
    One,
    /// HTTP/2 only
    #[value(name = "2")]
    Two,
}

impl Versions {
    fn names(self) -> Vec<Vec<u8>> {
        let names: &[&[u8]] = match self {
            Versions::Both => &[HTTP_2, HTTP_1],
            Versions::One => &[HTTP_1],
            Versions::Two => &[HTTP_2],
        };
        names.iter().map(|name| name.to_vec()).collect()
    }
}

/// What takes connections, and the certificate of the authority behind it (PEM), if it was made here.
pub(super) struct Ready {
    pub(super) acceptor: TlsAcceptor,
    pub(super) authority: Option<String>,
}

impl Tls {
    /// Gets ready to take connections.
    ///
    /// # Errors
    /// `InvalidInput` when a given certificate or key cannot be used.
    pub(super) fn ready(&self, versions: Versions) -> io::Result<Ready> {
        let wrong = |what: &str, why: String| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{what}: {why}"))
        };
        let (chain, key, authority) = match self {
            Tls::Made { names } => made(names)
                .map_err(|error| wrong("a certificate cannot be made", error.to_string()))?,
            Tls::Given { chain, key } => {
                let chain = CertificateDer::pem_slice_iter(chain)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| wrong("the certificate cannot be read", error.to_string()))?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|error| wrong("the private key cannot be read", error.to_string()))?;
                (chain, key, None)
            }
        };
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let mut config = config
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| wrong("the certificate cannot be used", error.to_string()))?;
        config.alpn_protocols = versions.names();
        Ok(Ready {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            authority,
        })
    }
}

/// Whether a client and the node have agreed on HTTP/2.
pub(super) fn speaks_http_2(agreed: Option<&[u8]>) -> bool {
    agreed == Some(HTTP_2)
}

type Made = (
    Vec<CertificateDer<'static>>,
    PrivateKeyDer<'static>,
    Option<String>,
);

/// A certificate for this machine and these names, and the authority behind it.
fn made(names: &[String]) -> Result<Made, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "headcount sandbox authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let key = KeyPair::generate()?;
    let authority = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);

    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new([&own[..], names].concat())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "headcount sandbox");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
    Ok((vec![certificate.der().clone()], key, Some(authority)))
}
