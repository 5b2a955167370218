//! The body of an answer: received and decompressed within limits, both of them.

use std::io::{self, Write};

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use super::failure::{Again, Failure};
use crate::config::PullLimits;

/// What we can decompress.
pub(super) const ENCODINGS: &str = "gzip, zstd";

/// The largest window of zstd over HTTP is 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Receives a body whole.
pub(super) async fn receive(
    mut answer: Response,
    limits: &PullLimits,
    lost: impl Fn(&reqwest::Error) -> Failure,
) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decoder::of(answer.headers(), limits.decoded_bytes)?;
    let mut received = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error))? {
        received += chunk.len();
        if received > limits.page_bytes {
            let message = format!(
                "the page has more than {} bytes; send fewer objects on a page and has_more",
                limits.page_bytes
            );
            return Err(Failure::new("page_too_large", message));
        }
        decoder = decoder.take_in(chunk).await?;
    }
    decoder.finish()
}

enum Decoder {
    Plain(Limited),
    Gzip(Box<flate2::write::MultiGzDecoder<Limited>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Limited>>),
}

impl Decoder {
    fn of(headers: &HeaderMap, bytes_max: usize) -> Result<Decoder, Failure> {
        let limited = Limited { bytes: Vec::new(), bytes_max };
        let encodings = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .map(|value| value.to_str().unwrap_or("unreadable"));
        let encoding = encodings.collect::<Vec<_>>().join(", ").trim().to_ascii_lowercase();
        match encoding.as_str() {
            "" | "identity" => Ok(Decoder::Plain(limited)),
            "gzip" | "x-gzip" => {
                Ok(Decoder::Gzip(Box::new(flate2::write::MultiGzDecoder::new(limited))))
            }
            "zstd" => {
                let mut decoder = zstd::stream::write::Decoder::new(limited)
                    .map_err(|error| undecodable(&error))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|error| undecodable(&error))?;
                Ok(Decoder::Zstd(Box::new(decoder)))
            }
            other => {
                let message = format!(
                    "the page is compressed as \"{other}\"; send it plain, or as one of {ENCODINGS}"
                );
                Err(Failure::new("encoding_unsupported", message))
            }
        }
    }

    /// Few compressed bytes may be many, so it is done off the runtime's threads.
    async fn take_in(mut self, chunk: Bytes) -> Result<Decoder, Failure> {
        if let Decoder::Plain(limited) = &mut self {
            limited.write_all(&chunk).map_err(|error| undecodable(&error))?;
            return Ok(self);
        }
        let decoding = tokio::task::spawn_blocking(move || {
            match &mut self {
                Decoder::Plain(writer) => writer.write_all(&chunk),
                Decoder::Gzip(writer) => writer.write_all(&chunk),
                Decoder::Zstd(writer) => writer.write_all(&chunk),
            }
            .map_err(|error| undecodable(&error))?;
            Ok(self)
        });
        decoding
            .await
            .map_err(|error| Failure::new("internal", format!("decompress a page: {error}")))?
    }

    fn finish(self) -> Result<Vec<u8>, Failure> {
        let limited = match self {
            Decoder::Plain(limited) => Ok(limited),
            Decoder::Gzip(decoder) => decoder.finish(),
            Decoder::Zstd(mut decoder) => decoder.flush().map(|()| decoder.into_inner()),
        };
        Ok(limited.map_err(|error| undecodable(&error))?.bytes)
    }
}

/// Bytes that do not become more than they may.
struct Limited {
    bytes: Vec<u8>,
    bytes_max: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the page has more than {0} bytes once it is decompressed")]
struct TooLarge(usize);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.bytes_max {
            return Err(io::Error::other(TooLarge(self.bytes_max)));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn undecodable(error: &io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<TooLarge>()) {
        Some(too_large) => Failure::new(
            "page_too_large",
            format!("{too_large}; send fewer objects on a page and has_more"),
        ),
        // It may have been cut off on its way.
        None => Failure::new(
            "page_undecodable",
            format!("the page cannot be decompressed: {error}; is it what Content-Encoding says?"),
        )
        .again(Again::Later),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn decode(encoding: &str, bytes: Vec<u8>, bytes_max: usize) -> Result<Vec<u8>, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        Decoder::of(&headers, bytes_max)?.take_in(bytes.into()).await?.finish()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn a_body_becomes_as_large_as_it_may_and_not_a_byte_larger() {
        let bytes = vec![b' '; 1_000_000];
        for (encoding, sent) in [
            ("identity", bytes.clone()),
            ("gzip", gzip(&bytes)),
            ("X-GZIP", gzip(&bytes)),
            ("zstd", zstd::encode_all(bytes.as_slice(), 3).unwrap()),
        ] {
            assert!(encoding == "identity" || sent.len() < 10_000);
            assert_eq!(
                decode(encoding, sent.clone(), 1_000_000).await.unwrap(),
                bytes,
                "{encoding}"
            );
            let refused = decode(encoding, sent, 999_999).await.unwrap_err();
            assert_eq!(
                (refused.code.as_str(), refused.again),
                ("page_too_large", Again::Never),
                "{encoding}"
            );
        }
    }

    #[tokio::test]
    async fn a_body_that_is_not_what_it_says_is_refused() {
        for (encoding, sent) in [
            ("gzip", b"[]".to_vec()),
            ("zstd", b"[]".to_vec()),
            ("gzip", gzip(b"[]")[..12].to_vec()),
        ] {
            let refused = decode(encoding, sent, 1000).await.unwrap_err();
            assert_eq!(
                (refused.code.as_str(), refused.again),
                ("page_undecodable", Again::Later),
                "{encoding}"
            );
        }
        for encoding in ["br", "gzip, gzip", "deflate"] {
            assert_eq!(
                decode(encoding, vec![], 1000).await.unwrap_err().code,
                "encoding_unsupported",
                "{encoding}"
            );
        }
    }
}
