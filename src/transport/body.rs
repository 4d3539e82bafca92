//! The body of an answer, put together as it comes in: unpacked if it came packed (RFC 9110, section 8.4), and never
//! longer than was agreed.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};

/// The one way of packing that is understood (RFC 9110, section 8.4.1.3).
pub(super) const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// How many bytes of an answer there is room for before they have come: who promises them may not send them.
const AT_ONCE: u64 = 4 << 20;

/// Receives the whole body of an answer, unpacked, with `most` bytes at the most. Beside it, how many bytes came, if it
/// was packed.
pub(super) async fn receive(
    response: &mut Response,
    most: usize,
) -> Result<(Bytes, Option<usize>), NoBody> {
    let promised = response.content_length().unwrap_or_default();
    let mut body = Body::new(response.headers(), promised, most)?;
    while let Some(chunk) = response.chunk().await.map_err(NoBody::Broken)? {
        body.add(chunk)?;
    }
    let packed = body.packed();
    if packed.is_some() {
        let headers = response.headers_mut();
        // These were true of the packed body only.
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    Ok((body.whole()?, packed))
}

/// A body that comes in pieces.
struct Body {
    most: usize,
    promised: u64,
    so_far: SoFar,
}

enum SoFar {
    Plain(Bytes),
    Packed {
        /// How many bytes came over the line.
        came: usize,
        unpacked: Box<MultiGzDecoder<Room>>,
    },
}

/// Why there is no body.
#[derive(Debug)]
pub(super) enum NoBody {
    /// It is longer than was agreed, as it came or unpacked.
    TooLarge,
    /// It is not what was packed, or not all of it.
    Damaged(io::Error),
    /// It broke off.
    Broken(reqwest::Error),
}

impl Body {
    /// One of which so many bytes are promised, and that may have `most` when it is unpacked.
    fn new(headers: &HeaderMap, promised: u64, most: usize) -> Result<Self, NoBody> {
        if promised > most as u64 {
            return Err(NoBody::TooLarge);
        }
        let so_far = if is_gzip(headers) {
            let room = Room {
                bytes: Vec::new(),
                most,
                is_full: false,
            };
            SoFar::Packed {
                came: 0,
                unpacked: Box::new(MultiGzDecoder::new(room)),
            }
        } else {
            SoFar::Plain(Bytes::new())
        };
        Ok(Body {
            most,
            promised,
            so_far,
        })
    }

    /// Takes the next piece.
    fn add(&mut self, chunk: Bytes) -> Result<(), NoBody> {
        match &mut self.so_far {
            SoFar::Plain(body) if body.len() + chunk.len() > self.most => {
                return Err(NoBody::TooLarge);
            }
            // Most come in one piece, which need not be copied.
            SoFar::Plain(body) if body.is_empty() => *body = chunk,
            SoFar::Plain(body) => {
                let first = std::mem::take(body);
                let mut joined = first.try_into_mut().unwrap_or_else(|first| {
                    let promised = usize::try_from(self.promised.min(AT_ONCE)).unwrap_or_default();
                    let mut joined = BytesMut::with_capacity(promised.max(first.len() * 2));
                    joined.extend_from_slice(&first);
                    joined
                });
                joined.extend_from_slice(&chunk);
                *body = joined.freeze();
            }
            SoFar::Packed { came, unpacked } => {
                *came += chunk.len();
                let written = unpacked.write_all(&chunk);
                return written.map_err(|error| unpacked.get_ref().why(error));
            }
        }
        Ok(())
    }

    /// How many bytes came over the line, where that is not what they come to.
    fn packed(&self) -> Option<usize> {
        match self.so_far {
            SoFar::Plain(_) => None,
            SoFar::Packed { came, .. } => Some(came),
        }
    }

    /// The whole of it. There is no more to come.
    fn whole(self) -> Result<Bytes, NoBody> {
        match self.so_far {
            SoFar::Plain(body) => Ok(body),
            // Nothing at all is nothing, whatever it was to be packed in.
            SoFar::Packed { came: 0, .. } => Ok(Bytes::new()),
            SoFar::Packed { mut unpacked, .. } => match unpacked.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut unpacked.get_mut().bytes).into()),
                Err(error) => Err(unpacked.get_ref().why(error)),
            },
        }
    }
}

/// Whether a body is packed by gzip, and by nothing else. Another way would not have been asked for, and what comes in
/// it is taken as it is.
fn is_gzip(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(CONTENT_ENCODING).iter();
    let (Some(encoding), None) = (fields.next(), fields.next()) else {
        return false;
    };
    let encoding = encoding.as_bytes().trim_ascii();
    // The second is an old name for the same.
    encoding.eq_ignore_ascii_case(GZIP.as_bytes()) || encoding.eq_ignore_ascii_case(b"x-gzip")
}

/// Where unpacked bytes go, as long as there is room: a few bytes can be packed so that they never end.
struct Room {
    bytes: Vec<u8>,
    most: usize,
    is_full: bool,
}

impl Room {
    fn why(&self, error: io::Error) -> NoBody {
        if self.is_full {
            NoBody::TooLarge
        } else {
            NoBody::Damaged(error)
        }
    }
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            self.is_full = true;
            return Err(io::Error::other("too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn headers(encoding: &str) -> HeaderMap {
        let value = HeaderValue::from_str(encoding).unwrap();
        HeaderMap::from_iter([(CONTENT_ENCODING, value)])
    }

    /// What comes of bytes in pieces of so many.
    fn received(encoding: &str, bytes: &[u8], piece: usize, most: usize) -> Result<Bytes, NoBody> {
        let mut body = Body::new(&headers(encoding), 0, most)?;
        for chunk in bytes.chunks(piece) {
            body.add(Bytes::copy_from_slice(chunk))?;
        }
        body.whole()
    }

    #[test]
    fn gzip_is_known_by_its_names_and_alone() {
        let text = b"{\"Resources\":[]}";
        for encoding in ["gzip", "GZip", "x-gzip", " gzip "] {
            let body = received(encoding, &packed(text), 5, 100).unwrap();
            assert_eq!(&body[..], text, "{encoding}");
        }
        for encoding in ["identity", "br", "gzip, br", ""] {
            let body = received(encoding, text, 5, 100).unwrap();
            assert_eq!(&body[..], text, "{encoding}");
        }
        assert_eq!(received("gzip", b"", 5, 100).unwrap(), Bytes::new());
        let two = [packed(text), packed(text)].concat();
        assert_eq!(
            received("gzip", &two, 5, 100).unwrap().len(),
            2 * text.len()
        );
    }

    #[test]
    fn a_body_may_be_as_long_as_was_agreed_when_it_is_unpacked() {
        let text = vec![b' '; 1 << 20];
        let small = packed(&text);
        assert!(small.len() < 1 << 14);
        assert!(received("gzip", &small, 100, text.len()).is_ok());
        let longer = received("gzip", &small, 100, text.len() - 1);
        assert!(matches!(longer, Err(NoBody::TooLarge)));
        let plain = received("identity", &text, 1000, text.len() - 1);
        assert!(matches!(plain, Err(NoBody::TooLarge)));
        let promised = Body::new(&HeaderMap::new(), 101, 100);
        assert!(matches!(promised, Err(NoBody::TooLarge)));
    }

    #[test]
    fn what_unpacks_without_end_is_let_go_before_it_takes_room() {
        const MOST: usize = 1 << 20;
        let bomb = packed(&vec![0; 64 << 20]);
        let mut body = Body::new(&headers("gzip"), 0, MOST).unwrap();
        let refused = bomb
            .chunks(1 << 14)
            .find_map(|chunk| body.add(Bytes::copy_from_slice(chunk)).err());
        assert!(matches!(refused, Some(NoBody::TooLarge)));
        let SoFar::Packed { unpacked, .. } = &body.so_far else {
            panic!("it is packed")
        };
        assert!(unpacked.get_ref().bytes.capacity() <= 2 * MOST);
    }

    #[test]
    fn what_is_cut_or_changed_is_damaged() {
        let text: Vec<u8> = (0..5000_u32)
            .flat_map(|at| at.to_string().into_bytes())
            .collect();
        let whole = packed(&text);
        for cut in [1, 9, 15, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
            let body = received("gzip", &whole[..cut], 100, 1 << 20);
            assert!(matches!(body, Err(NoBody::Damaged(_))), "{cut}");
        }
        for at in [0, whole.len() / 2, whole.len() - 6, whole.len() - 2] {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            let body = received("gzip", &changed, 100, 1 << 20);
            assert!(matches!(body, Err(NoBody::Damaged(_))), "{at}");
        }
        let plain = received("gzip", &text, 100, 1 << 20);
        assert!(
            matches!(plain, Err(NoBody::Damaged(_))),
            "not packed at all"
        );
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out(text: Vec<u8>, piece in 1..40_usize) {
            prop_assert_eq!(received("gzip", &packed(&text), piece, 1 << 20).unwrap(), text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, piece in 1..40_usize) {
            let _ = received("gzip", &bytes, piece, 1000);
            let mut damaged = packed(b"to be or not to be, to be or not to be");
            damaged.truncate(12);
            damaged.extend(bytes);
            let _ = received("gzip", &damaged, piece, 1000);
        }
    }
}
