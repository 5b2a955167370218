//! Decimals in JSON: strings with every digit of their scale.

use std::fmt::Write;
use std::sync::Arc;

use mrrow_engine::arrow::array::Array;
use mrrow_engine::arrow::datatypes::FieldRef;
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::arrow::json::writer::NullableEncoder;
use mrrow_engine::arrow::json::{Encoder, EncoderFactory, EncoderOptions};
use mrrow_engine::arrow::util::display::{ArrayFormatter, FormatOptions};

/// The options of the JSON encoders: nulls are written, and decimals are strings.
pub(super) fn json_options() -> EncoderOptions {
    EncoderOptions::default()
        .with_explicit_nulls(true)
        .with_encoder_factory(Arc::new(DecimalStrings))
}

/// Encodes decimals as strings; other types keep the encoders of Arrow.
#[derive(Debug)]
struct DecimalStrings;

impl EncoderFactory for DecimalStrings {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        const PLAIN: FormatOptions<'static> = FormatOptions::new();
        if !array.data_type().is_decimal() {
            return Ok(None);
        }
        let encoder = DecimalEncoder(ArrayFormatter::try_new(array, &PLAIN)?);
        Ok(Some(NullableEncoder::new(Box::new(encoder), array.nulls().cloned())))
    }
}

struct DecimalEncoder<'a>(ArrayFormatter<'a>);

impl Encoder for DecimalEncoder<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let mut text = String::new();
        // Infallible: it writes to a string.
        let _ = write!(text, "\"{}\"", self.0.value(row));
        out.extend_from_slice(text.as_bytes());
    }
}
