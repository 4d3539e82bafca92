//! Answers packed by gzip (RFC 9110, section 8.4.1.3), as a node or a gateway before it packs them.

use std::io::{self, Write};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::corrupt::taken_apart;

/// Which answers are packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Gzip {
    /// None
    #[default]
    Never,
    /// Those for which it is asked (`Accept-Encoding`)
    Asked,
    /// All, whatever is asked
    Always,
}

impl Gzip {
    /// Whether the answer to a call with these fields is packed.
    pub(super) fn is_due(self, headers: &HeaderMap) -> bool {
        match self {
            Gzip::Never => false,
            Gzip::Asked => is_asked_for(headers),
            Gzip::Always => true,
        }
    }
}

/// Whether gzip is among what is accepted (RFC 9110, section 12.5.3).
fn is_asked_for(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map(str::trim);
        let refused = weight.is_some_and(|weight| weight.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// The answer with its body packed. What has no body stays as it is.
pub(super) async fn pack(response: Response) -> Response {
    let (mut parts, body) = taken_apart(response).await;
    if body.is_empty() {
        return Response::from_parts(parts, Body::empty());
    }
    let Ok(packed) = packed(&body) else {
        return Response::from_parts(parts, body.into());
    };
    let gzip = HeaderValue::from_static("gzip");
    parts.headers.insert(header::CONTENT_ENCODING, gzip);
    let vary = HeaderValue::from_static("accept-encoding");
    parts.headers.insert(header::VARY, vary);
    Response::from_parts(parts, packed.into())
}

fn packed(body: &Bytes) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (accepted, packs) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("deflate, gzip; q=1.0", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000, br", false),
            ("identity", false),
            ("gzipped", false),
            ("", false),
        ] {
            let value = HeaderValue::from_static(accepted);
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]);
            assert_eq!(Gzip::Asked.is_due(&headers), packs, "{accepted}");
        }
        let nothing = HeaderMap::new();
        assert!(!Gzip::Asked.is_due(&nothing) && Gzip::Always.is_due(&nothing));
    }
}
