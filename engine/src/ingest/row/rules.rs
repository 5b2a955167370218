//! Rules between the fields of an invoice (`mrr.md` §1.2 and §1.3).

use chrono_tz::Tz;

use crate::ingest::rejection::{Code, WarningCode};
use crate::ingest::row::errors::RowErrors;
use crate::ingest::row::fields::FieldValue;
use crate::ingest::row::values::FIELDS_MAX;

/// Positions of the fields of an invoice.
const TYPE: usize = 2;
const AMOUNT: usize = 4;
const PLAN_ID: usize = 6;
const PERIOD_START: usize = 8;
const PERIOD_END: usize = 9;
const PRORATION: usize = 10;

/// An invalid field has its own error; a rule that needs the field is skipped.
pub(in crate::ingest) fn check_invoice(
    fields: &[FieldValue<'_>; FIELDS_MAX],
    timezone: Tz,
    errors: &mut RowErrors<'_>,
) {
    if is_type(fields, "subscription") {
        if fields[PLAN_ID] == FieldValue::Missing {
            let message =
                "a subscription invoice needs a \"plan_id\"; name the plan that was billed"
                    .to_string();
            errors.field("plan_id", Code::PlanRequired, message, None);
        }
        if let (FieldValue::Whole(amount @ ..0), FieldValue::Missing | FieldValue::Flag(false)) =
            (&fields[AMOUNT], &fields[PRORATION])
        {
            let message = "\"amount\" of a subscription must not be negative; set \"proration\" to true or \"type\" to refund";
            errors.field(
                "amount",
                Code::NegativeAmount,
                message.to_string(),
                Some(&amount.to_string()),
            );
        }
    }
    if let (FieldValue::ParsedTime(start), FieldValue::ParsedTime(end)) =
        (&fields[PERIOD_START], &fields[PERIOD_END])
        && end.instant(timezone) <= start.instant(timezone)
    {
        let message =
            format!("\"period_end\" must be after \"period_start\", which is {}", start.text());
        errors.field("period_end", Code::BadPeriod, message, Some(&end.text()));
    }
}

/// The warnings on a valid invoice.
pub(in crate::ingest) fn oddity(
    fields: &[FieldValue<'_>; FIELDS_MAX],
) -> Option<(WarningCode, &'static str)> {
    let has_period =
        fields[PERIOD_START] != FieldValue::Missing && fields[PERIOD_END] != FieldValue::Missing;
    if is_type(fields, "subscription") && fields[PRORATION] == FieldValue::Flag(true) && !has_period
    {
        let message =
            "a proration without \"period_start\" and \"period_end\" has no MRR; give both";
        return Some((WarningCode::ProrationWithoutPeriod, message));
    }
    if is_type(fields, "cancellation") && fields[AMOUNT] != FieldValue::Whole(0) {
        let message =
            "the \"amount\" of a cancellation is ignored; use type refund for money given back";
        return Some((WarningCode::CancellationAmount, message));
    }
    None
}

fn is_type(fields: &[FieldValue<'_>; FIELDS_MAX], name: &str) -> bool {
    matches!(&fields[TYPE], FieldValue::Text(text) if text == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::testing::{invoices, render};
    use crate::ingest::{DecodeOptions, Format};
    use crate::model::ObjectType;
    use crate::tables::field_names;

    /// Pushes an invoice with further fields, and shows errors and warnings.
    fn check(timezone: &str, table: &[(&str, &str)]) {
        for (fields, expected) in table {
            let usual =
                r#""id":"i","customer_id":"c","invoice_date":"2024-02-01","currency":"USD""#;
            let timezone = timezone.parse().unwrap_or_default();
            let options = DecodeOptions { timezone, format: Some(Format::Ndjson), ..invoices() };
            let shown = render(format!("{{{usual},{fields}}}").as_bytes(), &options);
            let shown: Vec<_> = shown.lines().filter(|line| !line.starts_with("row")).collect();
            assert_eq!(shown.join("\n"), *expected, "{fields}");
        }
    }

    #[test]
    fn places_are_those_of_the_fields() {
        let places = [
            (TYPE, "type"),
            (AMOUNT, "amount"),
            (PLAN_ID, "plan_id"),
            (PERIOD_START, "period_start"),
        ];
        for (place, name) in
            [&places[..], &[(PERIOD_END, "period_end"), (PRORATION, "proration")]].concat()
        {
            assert_eq!(field_names(ObjectType::Invoices)[place], name);
        }
    }

    #[test]
    fn a_subscription_needs_a_plan_and_an_amount_that_is_not_negative() {
        let plan = "reject 1 i: /plan_id plan_required a subscription invoice needs a \"plan_id\"; name the plan that was billed";
        let negative = "/amount negative_amount \"amount\" of a subscription must not be negative; set \"proration\" to true or \"type\" to refund [-1]";
        check(
            "UTC",
            &[
                (r#""type":"subscription","plan_id":"p","amount":0"#, ""),
                (r#""type":"subscription","amount":1"#, plan),
                (r#""type":"subscription","amount":1,"plan_id":"""#, plan),
                (
                    r#""type":"subscription","amount":-1,"plan_id":"p""#,
                    &format!("reject 1 i: {negative}"),
                ),
                (
                    r#""type":"subscription","amount":-1,"plan_id":"p","proration":false"#,
                    &format!("reject 1 i: {negative}"),
                ),
                (r#""type":"subscription","amount":-1"#, &format!("{plan} | {negative}")),
                (r#""type":"one-time","amount":-1"#, ""),
                (r#""type":"refund","amount":-1"#, ""),
                (
                    r#""type":"refund","amount":10000000000000,"discount":-10000000000000,"quantity":0"#,
                    "",
                ),
            ],
        );
    }

    #[test]
    fn a_refused_field_is_not_refused_twice() {
        check(
            "UTC",
            &[
                (
                    r#""type":"subscription","amount":-1,"plan_id":7,"proration":"no""#,
                    "reject 1 i: /plan_id wrong_type \"plan_id\" must be text, not a number; put it in quotes or cast it to text [7] \
                 | /proration wrong_type \"proration\" must be true or false [no]",
                ),
                (
                    r#""type":"sub","amount":-10000000000001"#,
                    "reject 1 i: /type unknown_value \"type\" must be subscription, one-time, refund or cancellation [sub] \
                 | /amount out_of_range \"amount\" must be between -10000000000000 and 10000000000000 [-10000000000001]",
                ),
            ],
        );
    }

    #[test]
    fn a_period_ends_after_its_start() {
        let bad = |start: &str, end: &str| {
            format!(
                "reject 1 i: /period_end bad_period \"period_end\" must be after \"period_start\", which is {start} [{end}]"
            )
        };
        let period = |start: &str, end: &str| {
            format!(r#""type":"refund","amount":1,"period_start":"{start}","period_end":"{end}""#)
        };
        check(
            "America/New_York",
            &[
                (&period("2024-01-01", "2024-01-02"), ""),
                (
                    &period("2024-01-02", "2024-01-02"),
                    &bad("2024-01-02T00:00:00", "2024-01-02T00:00:00"),
                ),
                (&period("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000001Z"), ""),
                (
                    &period("2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00"),
                    &bad("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
                ),
                (&period("2024-01-01T04:59:59Z", "2024-01-01"), ""),
                (
                    &period("2024-01-01T05:00:00Z", "2024-01-01"),
                    &bad("2024-01-01T05:00:00Z", "2024-01-01T00:00:00"),
                ),
                (
                    &period("2024-03-10T02:30:00", "2024-03-10T03:10:00"),
                    &bad("2024-03-10T02:30:00", "2024-03-10T03:10:00"),
                ),
            ],
        );
    }

    #[test]
    fn odd_invoices_are_accepted_with_a_warning() {
        let proration = "warn 1 i: proration_without_period a proration without \"period_start\" and \"period_end\" has no MRR; give both";
        let cancellation = "warn 1 i: cancellation_amount the \"amount\" of a cancellation is ignored; use type refund for money given back";
        check(
            "UTC",
            &[
                (r#""type":"subscription","plan_id":"p","amount":-1,"proration":true"#, proration),
                (
                    r#""type":"subscription","plan_id":"p","amount":1,"proration":true,"period_start":"2024-01-01""#,
                    proration,
                ),
                (r#""type":"refund","amount":1,"proration":true"#, ""),
                (r#""type":"cancellation","amount":0"#, ""),
                (r#""type":"cancellation","amount":-5"#, cancellation),
            ],
        );
    }
}
