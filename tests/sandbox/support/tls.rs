//! Certificate authorities that nobody trusts by themselves, and what they sign.

use headcount::sandbox::Tls;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, date_time_ymd,
};

use harness::Desk;

/// An authority of a test's own.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Its certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these names, as a node uses it.
    pub fn sign(&self, names: &[&str]) -> Tls {
        self.sign_as(names, |_| {})
    }

    /// One that was good until 2020.
    pub fn sign_expired(&self, names: &[&str]) -> Tls {
        self.sign_as(names, |params| {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        })
    }

    fn sign_as(&self, names: &[&str], change: impl Fn(&mut CertificateParams)) -> Tls {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate: Certificate = params.signed_by(&key, &self.issuer).unwrap();
        Tls::Given {
            chain: certificate.pem().into_bytes(),
            key: key.serialize_pem().into_bytes(),
        }
    }
}

/// The program, told to trust these certificates.
pub fn trusting(desk: &Desk, pem: &str, args: &[&str]) -> std::process::Command {
    let file = desk.file("ca.pem", pem);
    let mut command = desk.command(args);
    command.env("HEADCOUNT_CA_CERT", file);
    command
}
