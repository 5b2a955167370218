//! The two dialects of records: that of the Custom API's page, and that of GrowPanel's clients,
//! which names some fields differently and omits more of them. Both spellings are read in both
//! dialects; the dialect decides which fields may be missing.

use std::borrow::Cow;

use crate::ingest::row::numbers::whole;
use crate::ingest::row::values::{Row, Value};
use crate::model::ObjectType;
use crate::tables::field_names;

/// The dialect of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// The Custom API's page: required fields are required. A plan's `billing_freq` is read as the
    /// clients mean it.
    #[default]
    Page,
    /// GrowPanel's clients: a customer's name defaults to its email, a plan's `interval_count` to
    /// 1; an invoice without a type is a `subscription` if it has a plan, else `one-time`;
    /// `quarter` is 3 months and `half_year` 6.
    Clients,
}

/// A field, and whether it came under its other name: that of GrowPanel's clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::ingest) struct Place {
    pub(in crate::ingest) field: usize,
    pub(in crate::ingest) is_other: bool,
}

/// The positions of the fields with a rule here.
const NAME: usize = 1;
const EMAIL: usize = 2;
const INTERVAL: usize = 2;
const INTERVAL_COUNT: usize = 3;
const TYPE: usize = 2;
const PLAN_ID: usize = 6;

/// The clients' name of a field, if it differs from the page's.
pub(in crate::ingest) fn other_spelling(object: ObjectType, name: &str) -> Option<&'static str> {
    match (object, name) {
        (ObjectType::Customers, "created") => Some("created_date"),
        (ObjectType::Customers, "metadata") => Some("custom_variables"),
        (ObjectType::Plans, "id") => Some("external_id"),
        (ObjectType::Plans, "interval") => Some("billing_freq"),
        (ObjectType::Plans, "interval_count") => Some("billing_freq_count"),
        (ObjectType::Invoices, "invoice_date") => Some("date"),
        _ => None,
    }
}

/// The field that has this name, in one spelling or the other.
pub(in crate::ingest) fn place(object: ObjectType, name: &str) -> Option<Place> {
    let fields = field_names(object);
    let of = |is_other| move |field| Place { field, is_other };
    fields.iter().position(|field| *field == name).map(of(false)).or_else(|| {
        fields.iter().position(|field| other_spelling(object, field) == Some(name)).map(of(true))
    })
}

/// The page's name of the field that has this name in one spelling or the other.
pub fn field_name(object: ObjectType, name: &str) -> Option<&'static str> {
    place(object, name).map(|place| field_names(object)[place.field])
}

impl Dialect {
    /// Whether a missing field is reported under its other name.
    pub(in crate::ingest) fn misses_other(self, name: &str) -> bool {
        self == Dialect::Clients && name != "id"
    }

    /// Fills in the fields that the dialect lets a sender omit.
    pub(in crate::ingest) fn complete(self, object: ObjectType, row: &mut Row<'_>) {
        match (self, object) {
            // A sender of `billing_freq` follows GrowPanel's clients.
            (Dialect::Page, ObjectType::Plans) if row.is_other(INTERVAL, "interval", self) => {
                complete_interval(row)
            }
            (Dialect::Page, _) => {}
            (Dialect::Clients, ObjectType::Customers) => {
                if row.values[NAME].is_missing()
                    && matches!(row.values[EMAIL], Value::Text(_) | Value::Cell(_))
                {
                    row.values[NAME] = row.values[EMAIL].clone();
                }
            }
            (Dialect::Clients, ObjectType::Plans) => complete_interval(row),
            (Dialect::Clients, ObjectType::Invoices) => {
                if row.values[TYPE].is_missing() {
                    let is_on_plan = !row.values[PLAN_ID].is_missing();
                    row.values[TYPE] = Value::Text(Cow::Borrowed(if is_on_plan {
                        "subscription"
                    } else {
                        "one-time"
                    }));
                }
            }
        }
    }
}

/// A quarter is three months, times `interval_count`.
fn complete_interval(row: &mut Row<'_>) {
    if row.values[INTERVAL_COUNT].is_missing() {
        row.values[INTERVAL_COUNT] = Value::Whole(1);
    }
    let months = match &row.values[INTERVAL] {
        Value::Text(word) | Value::Cell(word) if word == "quarter" => 3,
        Value::Text(word) | Value::Cell(word) if word == "half_year" => 6,
        _ => return,
    };
    let count = match &row.values[INTERVAL_COUNT] {
        Value::Whole(count) => Some(*count),
        Value::Number(text) | Value::Cell(text) => whole(text).ok(),
        _ => None,
    };
    row.values[INTERVAL] = Value::Text(Cow::Borrowed("month"));
    // An invalid count is rejected as sent.
    if let Some(count) = count {
        row.values[INTERVAL_COUNT] = Value::Whole(count.saturating_mul(months));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::testing::{customers, invoices, plans, render};
    use crate::ingest::{DecodeOptions, Format};

    fn check(options: &DecodeOptions, dialect: Dialect, table: &[(&str, &str)]) {
        for (input, expected) in table {
            let options =
                DecodeOptions { dialect, format: Some(Format::Ndjson), ..options.clone() };
            assert_eq!(render(input.as_bytes(), &options).trim_end(), *expected, "{input}");
        }
    }

    #[test]
    fn places_are_those_of_the_fields() {
        for (object, place, name) in [
            (ObjectType::Customers, NAME, "name"),
            (ObjectType::Customers, EMAIL, "email"),
            (ObjectType::Plans, INTERVAL, "interval"),
            (ObjectType::Plans, INTERVAL_COUNT, "interval_count"),
            (ObjectType::Invoices, TYPE, "type"),
            (ObjectType::Invoices, PLAN_ID, "plan_id"),
        ] {
            assert_eq!(field_names(object)[place], name);
        }
    }

    #[test]
    fn either_spelling_is_read_in_both_dialects() {
        for dialect in [Dialect::Page, Dialect::Clients] {
            check(
                &customers(),
                dialect,
                &[(
                    r#"{"id":"c","name":"C","created_date":"2024-01-01","custom_variables":{"tier":"gold"}}"#,
                    r#"row 1 {"id":"c","name":"C","created":"2024-01-01T00:00:00","created_zoned":false,"metadata":"{\"tier\":\"gold\"}"}"#,
                )],
            );
            check(
                &plans(),
                dialect,
                &[(
                    r#"{"id":"p","external_id":"p","name":"P","billing_freq":"month","billing_freq_count":3,"currency":"usd"}"#,
                    r#"row 1 {"id":"p","name":"P","interval":"month","interval_count":3,"currency":"USD"}"#,
                )],
            );
            check(
                &invoices(),
                dialect,
                &[(
                    r#"{"id":"i","customer_id":"c","type":"refund","date":"2024-02-01","amount":9.9e3,"currency":"EUR"}"#,
                    r#"row 1 {"id":"i","customer_id":"c","type":"refund","invoice_date":"2024-02-01T00:00:00","invoice_date_zoned":false,"amount":9900,"currency":"EUR"}"#,
                )],
            );
        }
    }

    #[test]
    fn an_error_calls_a_field_as_the_sender_does() {
        check(
            &plans(),
            Dialect::Page,
            &[(
                r#"{"external_id":"p","name":"P","billing_freq":"decade","billing_freq_count":0,"currency":"USD"}"#,
                "reject 1 p: /billing_freq unknown_value \"billing_freq\" must be day, week, month or year [decade] \
                 | /billing_freq_count out_of_range \"billing_freq_count\" must be between 1 and 10000 [0]",
            )],
        );
        check(
            &customers(),
            Dialect::Page,
            &[(
                r#"{"id":"c","name":"C","custom_variables":{"a":[]}}"#,
                "reject 1 c: /custom_variables/a wrong_type \"a\" must be text, a number, true, false or null [[]]",
            )],
        );
        let missing =
            |name: &str| format!("/{name} required \"{name}\" is required; give it a value");
        let (clients, page) = (
            ["id", "customer_id", "date", "amount", "currency"].map(missing).join(" | "),
            ["id", "customer_id", "type", "invoice_date", "amount", "currency"]
                .map(missing)
                .join(" | "),
        );
        check(&invoices(), Dialect::Clients, &[("{}", &format!("reject 1: {clients}"))]);
        check(&invoices(), Dialect::Page, &[("{}", &format!("reject 1: {page}"))]);
    }

    #[test]
    fn a_list_under_a_types_name_is_a_field_of_the_clients_only() {
        let row = r#"{"id":"c","name":"C","invoices":["i"]}"#;
        let document = "a document of several objects inside a list or line; give it as a JSON document of its own";
        check(&customers(), Dialect::Page, &[(row, &format!("reject 1: malformed {document}"))]);
        let of_customers = r#"{"id":"c","name":"C","customers":[]}"#;
        check(
            &customers(),
            Dialect::Clients,
            &[
                (row, "row 1 {\"id\":\"c\",\"name\":\"C\"}\nignored invoices 1"),
                (of_customers, &format!("reject 1: malformed {document}")),
                (r#"{"invoices":["i"]}"#, &format!("reject 1: malformed {document}")),
            ],
        );
    }

    #[test]
    fn spellings_that_contradict_each_other_are_told() {
        let differs = "reject 1 c: /created duplicate_key \"created\" and \"created_date\" are the same field and differ; send one of the two [2024-01-01]";
        let taken =
            r#"row 1 {"id":"c","name":"C","created":"2024-01-01T00:00:00","created_zoned":false}"#;
        check(
            &customers(),
            Dialect::Clients,
            &[
                (
                    r#"{"id":"c","name":"C","created":"2024-01-01","created_date":"2024-01-02"}"#,
                    differs,
                ),
                (
                    r#"{"id":"c","name":"C","created":"2024-01-01","created_date":"2024-01-01"}"#,
                    taken,
                ),
                (r#"{"id":"c","name":"C","created":null,"created_date":"2024-01-01"}"#, taken),
                (r#"{"id":"c","name":"C","created_date":"2024-01-01","created":""}"#, taken),
            ],
        );
        let csv = DecodeOptions { format: Some(Format::Csv), ..customers() };
        let shown = render(
            b"id,name,created,created_date\nc,C,2024-01-01,2024-01-02\nd,D,,2024-01-01\n",
            &csv,
        );
        assert_eq!(
            shown.lines().collect::<Vec<_>>(),
            [
                r#"row 3 {"id":"d","name":"D","created":"2024-01-01T00:00:00","created_zoned":false}"#,
                "reject 2 c: created duplicate_key \"created\" and \"created_date\" are the same field and differ; send one of the two [2024-01-01]",
            ]
        );
    }

    #[test]
    fn the_clients_may_leave_out_what_can_be_told() {
        check(
            &customers(),
            Dialect::Clients,
            &[
                (
                    r#"{"id":"c","email":"a@b.c","state":"ca","size":7}"#,
                    "row 1 {\"id\":\"c\",\"name\":\"a@b.c\",\"email\":\"a@b.c\",\"state\":\"ca\"}\nignored size 1",
                ),
                (
                    r#"{"id":"c","email":7}"#,
                    "reject 1 c: /name required \"name\" is required; give it a value | /email wrong_type \"email\" must be text, not a number; put it in quotes or cast it to text [7]",
                ),
            ],
        );
        let plan = |rest: &str| format!(r#"{{"id":"p","name":"P","currency":"USD",{rest}}}"#);
        let every = |count: i64| {
            format!(
                r#"row 1 {{"id":"p","name":"P","interval":"month","interval_count":{count},"currency":"USD"}}"#
            )
        };
        check(
            &plans(),
            Dialect::Clients,
            &[
                (&plan(r#""billing_freq":"month""#), &every(1)),
                (&plan(r#""billing_freq":"quarter""#), &every(3)),
                (&plan(r#""interval":"half_year","interval_count":2.0"#), &every(12)),
                (
                    &plan(r#""billing_freq":"quarter","billing_freq_count":"2""#),
                    "reject 1 p: /billing_freq_count wrong_type \"billing_freq_count\" must be a whole number, such as 1 [2]",
                ),
                (
                    &plan(r#""billing_freq":"half_year","billing_freq_count":9223372036854775807"#),
                    "reject 1 p: /billing_freq_count out_of_range \"billing_freq_count\" must be between 1 and 10000 [9223372036854775807]",
                ),
            ],
        );
        let invoice = |rest: &str| {
            format!(
                r#"{{"id":"i","customer_id":"c","date":"2024-02-01","amount":1,"currency":"USD"{rest}}}"#
            )
        };
        let is = |word: &str, rest: &str| {
            format!(
                r#"row 1 {{"id":"i","customer_id":"c","type":"{word}","invoice_date":"2024-02-01T00:00:00","invoice_date_zoned":false,"amount":1,"currency":"USD"{rest}}}"#
            )
        };
        check(
            &invoices(),
            Dialect::Clients,
            &[
                (&invoice(""), &is("one-time", "")),
                (&invoice(r#","plan_id":null"#), &is("one-time", "")),
                (&invoice(r#","plan_id":"p""#), &is("subscription", r#","plan_id":"p""#)),
                (&invoice(r#","plan_id":"p","type":"refund""#), &is("refund", r#","plan_id":"p""#)),
            ],
        );
    }
}
