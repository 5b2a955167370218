//! The body of a response: received and decompressed, both within limits.

use std::io::{self, Write};

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use super::sync_failure::{Retry, SyncFailure};
use crate::config::PullLimits;

/// The value of Accept-Encoding.
pub(super) const ENCODINGS: &str = "gzip, zstd";

/// RFC 9659 allows a window of 8 MiB over HTTP.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Receives a whole body. `to_failure` describes a lost connection.
pub(super) async fn receive(
    mut response: Response,
    limits: &PullLimits,
    to_failure: impl Fn(&reqwest::Error) -> SyncFailure,
) -> Result<Vec<u8>, SyncFailure> {
    let mut decoder = BodyDecoder::new(response.headers(), limits.decoded_bytes)?;
    let mut received = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| to_failure(&error))? {
        received += chunk.len();
        if received > limits.page_bytes {
            let message = format!(
                "the page has more than {} bytes; send fewer objects on a page and has_more",
                limits.page_bytes
            );
            return Err(SyncFailure::new("page_too_large", message));
        }
        decoder = decoder.write(chunk).await?;
    }
    decoder.finish()
}

enum BodyDecoder {
    Plain(BoundedBuffer),
    Gzip(Box<flate2::write::MultiGzDecoder<BoundedBuffer>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, BoundedBuffer>>),
}

impl BodyDecoder {
    fn new(headers: &HeaderMap, bytes_max: usize) -> Result<BodyDecoder, SyncFailure> {
        let buffer = BoundedBuffer { bytes: Vec::new(), bytes_max };
        let encodings = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .map(|value| value.to_str().unwrap_or("unreadable"));
        let encoding = encodings.collect::<Vec<_>>().join(", ").trim().to_ascii_lowercase();
        match encoding.as_str() {
            "" | "identity" => Ok(BodyDecoder::Plain(buffer)),
            "gzip" | "x-gzip" => {
                Ok(BodyDecoder::Gzip(Box::new(flate2::write::MultiGzDecoder::new(buffer))))
            }
            "zstd" => {
                let mut decoder = zstd::stream::write::Decoder::new(buffer)
                    .map_err(|error| undecodable(&error))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|error| undecodable(&error))?;
                Ok(BodyDecoder::Zstd(Box::new(decoder)))
            }
            other => {
                let message = format!(
                    "the page is compressed as \"{other}\"; send it plain, or as one of {ENCODINGS}"
                );
                Err(SyncFailure::new("encoding_unsupported", message))
            }
        }
    }

    /// Decompresses a chunk on a thread that may block, because a small chunk may become large.
    async fn write(mut self, chunk: Bytes) -> Result<BodyDecoder, SyncFailure> {
        if let BodyDecoder::Plain(buffer) = &mut self {
            buffer.write_all(&chunk).map_err(|error| undecodable(&error))?;
            return Ok(self);
        }
        let decoding = tokio::task::spawn_blocking(move || {
            match &mut self {
                BodyDecoder::Plain(writer) => writer.write_all(&chunk),
                BodyDecoder::Gzip(writer) => writer.write_all(&chunk),
                BodyDecoder::Zstd(writer) => writer.write_all(&chunk),
            }
            .map_err(|error| undecodable(&error))?;
            Ok(self)
        });
        decoding
            .await
            .map_err(|error| SyncFailure::new("internal", format!("decompress a page: {error}")))?
    }

    fn finish(self) -> Result<Vec<u8>, SyncFailure> {
        let buffer = match self {
            BodyDecoder::Plain(buffer) => Ok(buffer),
            BodyDecoder::Gzip(decoder) => decoder.finish(),
            BodyDecoder::Zstd(mut decoder) => decoder.flush().map(|()| decoder.into_inner()),
        };
        Ok(buffer.map_err(|error| undecodable(&error))?.bytes)
    }
}

/// A buffer that refuses to grow beyond its limit.
struct BoundedBuffer {
    bytes: Vec<u8>,
    bytes_max: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the page has more than {0} bytes after decompression")]
struct BufferFull(usize);

impl Write for BoundedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.bytes_max {
            return Err(io::Error::other(BufferFull(self.bytes_max)));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn undecodable(error: &io::Error) -> SyncFailure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<BufferFull>()) {
        Some(full) => SyncFailure::new(
            "page_too_large",
            format!("{full}; send fewer objects on a page and has_more"),
        ),
        // The connection may have cut it off.
        None => SyncFailure::new(
            "page_undecodable",
            format!("the page cannot be decompressed: {error}; is it what Content-Encoding says?"),
        )
        .with_retry(Retry::Later),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn decode(
        encoding: &str,
        bytes: Vec<u8>,
        bytes_max: usize,
    ) -> Result<Vec<u8>, SyncFailure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        BodyDecoder::new(&headers, bytes_max)?.write(bytes.into()).await?.finish()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn body_is_accepted_at_its_limit_and_rejected_one_byte_above() {
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
                (refused.code.as_str(), refused.retry),
                ("page_too_large", Retry::Never),
                "{encoding}"
            );
        }
    }

    #[tokio::test]
    async fn body_that_contradicts_its_content_encoding_is_rejected() {
        for (encoding, sent) in [
            ("gzip", b"[]".to_vec()),
            ("zstd", b"[]".to_vec()),
            ("gzip", gzip(b"[]")[..12].to_vec()),
        ] {
            let refused = decode(encoding, sent, 1000).await.unwrap_err();
            assert_eq!(
                (refused.code.as_str(), refused.retry),
                ("page_undecodable", Retry::Later),
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
