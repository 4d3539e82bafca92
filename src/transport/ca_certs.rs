//! Whom a connection trusts beside the platform's own certificate authorities.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// A list of authorities is some hundred kilobytes; more than this is another file.
const LONGEST: u64 = 16 << 20;

/// Certificates of authorities, each of which can be used.
#[derive(Clone, Default)]
pub struct CaCerts(Vec<Certificate>);

/// Why a file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the certificates of --ca-cert cannot be used: {}: {what}", path.display())]
pub struct BadCaCerts {
    path: PathBuf,
    what: Wrong,
}

#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("{0}")]
    Unreadable(std::io::Error),
    #[error("it is too large to be a file of certificates")]
    TooLarge,
    #[error(
        "there is none in it; a certificate in PEM form begins with -----BEGIN CERTIFICATE----- (openssl x509 -inform \
         der -in FILE makes that of one in DER form)"
    )]
    None,
    #[error("certificate {0} of it is damaged ({1})")]
    Damaged(usize, String),
}

impl CaCerts {
    /// Reads one or more certificates in PEM form (RFC 7468). What else is in the file counts for nothing.
    ///
    /// # Errors
    /// When there is none, or one that no certificate can be checked by.
    pub fn read(path: &Path) -> Result<Self, BadCaCerts> {
        let wrong = |what| BadCaCerts {
            path: path.to_owned(),
            what,
        };
        let length = std::fs::metadata(path)
            .map_err(|error| wrong(Wrong::Unreadable(error)))?
            .len();
        if length > LONGEST {
            return Err(wrong(Wrong::TooLarge));
        }
        let bytes = std::fs::read(path).map_err(|error| wrong(Wrong::Unreadable(error)))?;
        Self::of(&bytes).map_err(wrong)
    }

    fn of(pem: &[u8]) -> Result<Self, Wrong> {
        let mut certificates = Vec::new();
        for (at, der) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let damaged = |why: String| Wrong::Damaged(at + 1, why);
            let der = der.map_err(|error| damaged(error.to_string()))?;
            RootCertStore::empty()
                .add(der.clone())
                .map_err(|error| damaged(error.to_string()))?;
            let certificate =
                Certificate::from_der(&der).map_err(|error| damaged(error.to_string()))?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(Wrong::None);
        }
        Ok(CaCerts(certificates))
    }

    pub(super) fn certificates(&self) -> impl Iterator<Item = Certificate> {
        self.0.iter().cloned()
    }
}

impl fmt::Debug for CaCerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> String {
        let made = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap();
        made.cert.pem()
    }

    #[test]
    fn every_certificate_of_a_file_counts_and_what_else_is_in_it_does_not() {
        let text = format!("# ours\n{}\nsome words\n{}", certificate(), certificate());
        assert_eq!(CaCerts::of(text.as_bytes()).unwrap().0.len(), 2);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let whole = certificate();
        let damaged = format!("{whole}{}", whole.replacen('M', "A", 1));
        let said = |text: &[u8]| CaCerts::of(text).unwrap_err().to_string();
        assert!(said(damaged.as_bytes()).starts_with("certificate 2 of it is damaged"));
        for nothing in [
            &b""[..],
            b"\x30\x82\x01",
            b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(
                said(nothing).starts_with("there is none in it"),
                "{nothing:?}"
            );
        }
    }
}
