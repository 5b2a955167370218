//! Parquet files as other tools write them, and damaged ones.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int16Array, Int64Array, LargeStringArray, ListArray, MapBuilder,
    RecordBatch, StringArray, StringBuilder, StringViewArray, StructArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int8Type, Int32Type};
use parquet::arrow::ArrowWriter;

use crate::ingest::testing::{Parts, customers, invoices, render};
use crate::ingest::{DecodeOptions, decode_file};

type Columns = Vec<(&'static str, ArrayRef)>;

fn check(columns: Columns, options: &DecodeOptions, expected: &[&str]) {
    let shown = render(&file(columns), options);
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
}

fn file(columns: Columns) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    );
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Valid invoices with some columns replaced.
fn invoice_columns(rows: usize, changed: Columns) -> Columns {
    let ids = ["0", "1", "2", "3"];
    let mut columns: Columns = vec![
        ("id", text(&ids[..rows])),
        ("customer_id", text(&ids[..rows])),
        ("type", text(&["refund"; 4][..rows])),
        ("invoice_date", text(&["2024-01-01"; 4][..rows])),
        ("amount", Arc::new(Int64Array::from(vec![1; rows]))),
        ("currency", text(&["USD"; 4][..rows])),
    ];
    for (name, array) in changed {
        columns.retain(|(other, _)| *other != name);
        columns.push((name, array));
    }
    columns
}

/// Shows what one column of invoices became.
fn check_field(name: &'static str, array: ArrayRef, expected: &[&str]) {
    let shown = render(&file(invoice_columns(array.len(), vec![(name, array)])), &invoices());
    let fields: Vec<_> = shown
        .lines()
        .map(|line| match line.split_once('{') {
            Some((start, _)) if start.starts_with("row") => {
                let row: serde_json::Value = serde_json::from_str(&line[start.len()..]).unwrap();
                let zoned = row
                    .get(format!("{name}_zoned"))
                    .map(|zoned| format!(" {zoned}"))
                    .unwrap_or_default();
                format!("{}{zoned}", row.get(name).unwrap_or(&serde_json::Value::Null))
            }
            _ => line.to_string(),
        })
        .collect();
    assert_eq!(fields, expected, "{name}");
}

#[test]
fn text_may_be_of_any_text_type() {
    let words = ["a", "b", "c"];
    let dictionary: DictionaryArray<Int8Type> = words.into_iter().collect();
    for array in [
        text(&words),
        Arc::new(LargeStringArray::from(words.to_vec())),
        Arc::new(StringViewArray::from(words.to_vec())),
        Arc::new(dictionary),
    ] {
        check_field("plan_id", array, &["\"a\"", "\"b\"", "\"c\""]);
    }
    check_field("plan_id", Arc::new(StringArray::from(vec![None, Some("")])), &["null", "null"]);
    let wrong = "plan_id wrong_type \"plan_id\" must be text, not";
    let fix = "put it in quotes or cast it to text";
    check_field(
        "plan_id",
        Arc::new(Int64Array::from(vec![7])),
        &[&format!("reject 0 0: {wrong} a number; {fix} [7]")],
    );
    check_field(
        "plan_id",
        Arc::new(BinaryArray::from(vec![&b"p"[..]])),
        &[&format!("reject 0 0: {wrong} a list or object; {fix} [70]")],
    );
}

#[test]
fn whole_numbers_may_be_of_any_number_type() {
    let decimals =
        Decimal128Array::from(vec![12_300, -500, 150]).with_precision_and_scale(20, 2).unwrap();
    let cents = "a whole number of minor units, such as 9900 for $99.00";
    let range = "reject 1 1: amount out_of_range \"amount\" must be between -10000000000000 and 10000000000000";
    check_field("amount", Arc::new(Int16Array::from(vec![-3, 4])), &["-3", "4"]);
    check_field(
        "amount",
        Arc::new(UInt64Array::from(vec![3, u64::MAX])),
        &["3", &format!("{range} [18446744073709551615]")],
    );
    check_field("amount", Arc::new(Float32Array::from(vec![9900.0])), &["9900"]);
    check_field(
        "amount",
        Arc::new(Float64Array::from(vec![-2.0, 1e300])),
        &["-2", &format!("{range} [1e300]")],
    );
    check_field(
        "amount",
        Arc::new(decimals),
        &["123", "-5", &format!("reject 2 2: amount wrong_type \"amount\" must be {cents} [1.50]")],
    );
    check_field(
        "amount",
        Arc::new(Float64Array::from(vec![f64::NAN, 0.5])),
        &[
            &format!("reject 0 0: amount wrong_type \"amount\" must be {cents} [NaN]"),
            &format!("reject 1 1: amount wrong_type \"amount\" must be {cents} [0.5]"),
        ],
    );
    check_field(
        "amount",
        text(&["1"]),
        &[&format!("reject 0 0: amount wrong_type \"amount\" must be {cents} [1]")],
    );
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    check_field(
        "amount",
        Arc::new(list),
        &[&format!("reject 0 0: amount wrong_type \"amount\" must be {cents} [[1]]")],
    );
    check_field(
        "proration",
        Arc::new(BooleanArray::from(vec![Some(true), None])),
        &["true", "null"],
    );
    check_field(
        "proration",
        Arc::new(Int16Array::from(vec![1])),
        &["reject 0 0: proration wrong_type \"proration\" must be true or false [1]"],
    );
}

#[test]
fn dates_may_be_of_any_date_type() {
    check_field(
        "period_end",
        Arc::new(Date32Array::from(vec![19_737])),
        &["\"2024-01-15T00:00:00\" false"],
    );
    check_field(
        "period_end",
        Arc::new(TimestampSecondArray::from(vec![1_705_276_800])),
        &["\"2024-01-15T00:00:00\" false"],
    );
    let zoned =
        TimestampMillisecondArray::from(vec![1_705_276_800_500]).with_timezone("America/New_York");
    check_field("period_end", Arc::new(zoned), &["\"2024-01-15T00:00:00.500\" true"]);
    let nanos =
        TimestampNanosecondArray::from(vec![-1, 1_705_276_800_000_001_999]).with_timezone("UTC");
    check_field(
        "period_end",
        Arc::new(nanos),
        &["\"1969-12-31T23:59:59.999999\" true", "\"2024-01-15T00:00:00.000001\" true"],
    );
    check_field(
        "period_end",
        text(&["2024-01-15T01:00:00+01:00"]),
        &["\"2024-01-15T00:00:00\" true"],
    );
    let bad = "reject 0 0: period_end bad_date \"period_end\" must be a date such as 2024-01-15 or 2024-01-15T00:00:00Z, in the years 0001 to 9999";
    check_field(
        "period_end",
        Arc::new(TimestampMillisecondArray::from(vec![i64::MAX])),
        &[&format!("{bad} [{}]", i64::MAX)],
    );
    check_field(
        "period_end",
        Arc::new(Date32Array::from(vec![i32::MIN])),
        &[&format!("{bad} [{}]", i64::MIN)],
    );
    check_field(
        "period_end",
        Arc::new(Int64Array::from(vec![7])),
        &[
            "reject 0 0: period_end wrong_type \"period_end\" must be a date such as \"2024-01-15T00:00:00Z\", not a number [7]",
        ],
    );
}

fn metadata_struct() -> ArrayRef {
    let tier = (Arc::new(Field::new("tier", DataType::Utf8, true)), text(&["gold"]));
    let size = (
        Arc::new(Field::new("size", DataType::Float64, true)),
        Arc::new(Float64Array::from(vec![2.5])) as ArrayRef,
    );
    let none = (
        Arc::new(Field::new("none", DataType::Int64, true)),
        Arc::new(Int64Array::from(vec![None])) as ArrayRef,
    );
    Arc::new(StructArray::from(vec![tier, size, none]))
}

#[test]
fn metadata_may_be_a_struct_a_map_json_or_columns() {
    let customer = |column: (&'static str, ArrayRef)| {
        vec![("id", text(&["c"])), ("name", text(&["C"])), column]
    };
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("tier");
    map.values().append_value("gold");
    map.append(true).unwrap();
    let row = |metadata: &str| {
        format!(r#"row 0 {{"id":"c","name":"C","metadata":"{}"}}"#, metadata.replace('"', "\\\""))
    };
    check(
        customer(("metadata", metadata_struct())),
        &customers(),
        &[&row(r#"{"size":2.5,"tier":"gold"}"#)],
    );
    check(
        customer(("metadata", Arc::new(map.finish()))),
        &customers(),
        &[&row(r#"{"tier":"gold"}"#)],
    );
    check(
        customer(("metadata", text(&[r#"{"tier": 1.0}"#]))),
        &customers(),
        &[&row(r#"{"tier":1.0}"#)],
    );
    check(
        customer(("metadata.tier", text(&["gold"]))),
        &customers(),
        &[&row(r#"{"tier":"gold"}"#)],
    );
    check(
        customer(("metadata", text(&["gold"]))),
        &customers(),
        &[
            "reject 0 c: metadata wrong_type \"metadata\" must be a JSON object such as {\"tier\": \"gold\"} [gold]",
        ],
    );
    check(
        customer(("metadata.tier", metadata_struct())),
        &customers(),
        &[
            "reject 0 c: metadata.tier wrong_type \"tier\" must be text, a number, true, false or null [{tier: gold, size: 2.5, none: }]",
        ],
    );
}

#[test]
fn columns_that_are_missing_or_unknown_are_told() {
    let missing = "required the column \"name\" is missing; add it, or map the column that holds it to \"name\"";
    check(
        vec![("id", text(&["c"])), ("n", text(&["C"]))],
        &customers(),
        &[&format!("reject -: name {missing}")],
    );
    let columns =
        vec![("id", text(&["c", "d"])), ("name", text(&["C", "D"])), ("x", text(&["", ""]))];
    check(
        columns,
        &customers(),
        &[r#"row 0 {"id":"c","name":"C"}"#, r#"row 1 {"id":"d","name":"D"}"#, "ignored x 2"],
    );
    check(vec![("id", text(&[])), ("name", text(&[]))], &customers(), &[]);
}

#[test]
fn a_long_row_is_refused() {
    let options = DecodeOptions { row_bytes_max: 60, ..customers() };
    let columns = vec![("id", text(&["c", "d"])), ("name", text(&[&"n".repeat(60), "D"]))];
    let long = "reject 0: malformed the row is longer than 60 bytes; shorten it or raise the limit";
    check(columns, &options, &[r#"row 1 {"id":"d","name":"D"}"#, long]);
}

/// Reads a file in place; whether it stands, or is refused as a whole.
fn read_file(bytes: &[u8]) -> String {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let mut parts = Parts::default();
    decode_file(file, &customers(), |step| {
        assert_eq!(step.bytes_read, bytes.len() as u64);
        parts.add(&step);
        Ok::<(), std::convert::Infallible>(())
    })
    .unwrap();
    format!("{}{}", parts.rows, parts.rejections)
}

#[test]
fn a_damaged_file_is_refused_whatever_the_damage() {
    let whole =
        file(vec![("id", text(&["c"])), ("name", text(&["C"])), ("metadata", metadata_struct())]);
    assert!(read_file(&whole).starts_with("row 0 {\"id\":\"c\""));
    for at in 0..whole.len() {
        for damage in [0x01, 0x80, 0xFF] {
            let mut bytes = whole.clone();
            bytes[at] ^= damage;
            read_file(&bytes);
        }
    }
    let cuts: Vec<_> = (4..whole.len()).map(|end| read_file(&whole[..end])).collect();
    assert!(cuts.iter().all(|shown| {
        shown.starts_with("reject -: malformed not a Parquet file, or a damaged one (")
    }));
}
