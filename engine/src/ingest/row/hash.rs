//! The content of a row in 16 bytes: equal exactly when nothing changed, however it was written.

use crate::ingest::row::fields::{FieldValue, Spec};
use crate::tables::HASH_BYTES;

const BYTES: usize = HASH_BYTES as usize;

/// Hashes a row; `scratch` is a buffer that is reused for every row.
pub(in crate::ingest) fn content(
    data_source: &str,
    specs: &[Spec],
    fields: &[FieldValue<'_>],
    scratch: &mut Vec<u8>,
) -> [u8; BYTES] {
    scratch.clear();
    text(scratch, data_source);
    for (spec, field) in specs.iter().zip(fields) {
        match field {
            // The next value after such a field is never a text, so no two rows have the same
            // encoding.
            FieldValue::Missing if spec.came_later => {}
            FieldValue::Missing | FieldValue::Invalid => scratch.push(0),
            FieldValue::Text(value) => {
                scratch.push(1);
                text(scratch, value);
            }
            FieldValue::Whole(value) => {
                scratch.push(2);
                scratch.extend_from_slice(&value.to_le_bytes());
            }
            FieldValue::Flag(value) => scratch.extend_from_slice(&[3, u8::from(*value)]),
            FieldValue::ParsedTime(value) => {
                scratch.extend_from_slice(&[4, u8::from(value.zoned)]);
                scratch.extend_from_slice(&value.micros.to_le_bytes());
            }
        }
    }
    let hash = blake3::hash(scratch);
    let mut start = [0; BYTES];
    start.copy_from_slice(&hash.as_bytes()[..BYTES]);
    start
}

/// The length goes first, so that no two rows have the same encoding.
fn text(scratch: &mut Vec<u8>, value: &str) {
    scratch.extend_from_slice(&(value.len() as u64).to_le_bytes());
    scratch.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use crate::ingest::testing::{customers, hashes, invoices, plans};
    use crate::ingest::{DecodeOptions, Format};

    const JSON: &str = r#"{"id":"i","customer_id":"c","type":"refund","invoice_date":"2024-01-01T00:00:00Z","amount":9900,"currency":"USD"}"#;

    fn check(options: &DecodeOptions, inputs: &[&str], equal: bool) {
        let hashes: Vec<_> =
            inputs.iter().flat_map(|input| hashes(input.as_bytes(), options)).collect();
        assert_eq!(hashes.len(), inputs.len());
        assert!(
            hashes
                .iter()
                .enumerate()
                .all(|(at, hash)| hashes[..at].iter().all(|other| (other == hash) == equal))
        );
    }

    #[test]
    fn the_same_content_has_the_same_hash_however_it_is_written() {
        let csv = "amount,id,customer_id,type,invoice_date,currency,quantity\n9.9e3,i,c,refund,2024-01-01 01:00:00+01:00,usd,\n";
        check(
            &invoices(),
            &[
                JSON,
                &JSON
                    .replace("9900", "9900.0")
                    .replace("USD", "usd")
                    .replace("T00:00:00Z", " 00:00:00.0000001+00:00"),
                &JSON.replace("\"id\":\"i\"", "\"id\":\"\\u0069\",\"plan_id\":null,\"note\":1"),
                csv,
            ],
            true,
        );
        let json = r#"{"id":"c","name":"C","metadata":{"b":"1","a":"x"}}"#;
        check(&customers(), &[json, "id,name,metadata.a,metadata.b,metadata.c\nc,C,x,1,\n"], true);
    }

    #[test]
    fn any_change_changes_the_hash() {
        check(
            &invoices(),
            &[
                JSON,
                &JSON.replace("9900", "9901"),
                &JSON.replace("T00:00:00Z", ""),
                &JSON.replace("}", ",\"plan_id\":\"x\"}"),
                &JSON.replace("}", ",\"subscription_id\":\"x\"}"),
                &JSON.replace("}", ",\"quantity\":0}"),
                &JSON.replace("}", ",\"discount\":0}"),
                &JSON.replace("}", ",\"proration\":false}"),
            ],
            false,
        );
    }

    #[test]
    fn a_field_that_came_later_changes_no_hash_of_before() {
        // As the version without `state` and `product_name` wrote them.
        let hex = |json: &str, options: &DecodeOptions| -> String {
            let options = DecodeOptions { data_source: "default".to_string(), ..options.clone() };
            hashes(json.as_bytes(), &options)
                .concat()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        };
        let customer =
            r#"{"id":"c","name":"C","country":"US","created":"2024-01-01","metadata":{"a":"x"}}"#;
        let plan = r#"{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD","plan_group":"G"}"#;
        assert_eq!(hex(customer, &customers()), "c3eacefcb9b9f63900d99a54b57a7690");
        assert_eq!(hex(plan, &plans()), "912c9384ab78fddc0296fa588fe591d7");
        check(
            &customers(),
            &[customer, &customer.replace("\"US\"", "\"US\",\"state\":\"ca\"")],
            false,
        );
        check(&plans(), &[plan, &plan.replace("\"G\"", "\"G\",\"product_name\":\"G\"")], false);
    }

    #[test]
    fn data_sources_do_not_share_hashes() {
        let other = DecodeOptions {
            data_source: "other".to_string(),
            format: Some(Format::Ndjson),
            ..invoices()
        };
        assert_ne!(hashes(JSON.as_bytes(), &invoices()), hashes(JSON.as_bytes(), &other));
    }
}
