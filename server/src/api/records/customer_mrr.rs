//! The MRR of customers, merged with a stream of customers in the same order.

use chrono::{Days, NaiveDate};
use futures::TryStreamExt;
use mrrow_engine::arrow::array::{AsArray, RecordBatch};
use mrrow_engine::arrow::datatypes::{Date32Type, Decimal128Type};
use mrrow_engine::reports::ReportRequest;
use mrrow_engine::{SendableRecordBatchStream, Snapshot};

use crate::error::{ApiError, Result};
use crate::snapshots::{RecordRow, wrong_type};

/// A customer's MRR in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CustomerMrr {
    pub(super) currency: String,
    pub(super) paid_from: NaiveDate,
    pub(super) changed_on: NaiveDate,
    /// Minor units, rounded half away from zero.
    pub(super) mrr: i64,
}

/// The MRR of all customers, in their order.
pub(super) struct CustomerMrrStream {
    rows: SendableRecordBatchStream,
    batch: Option<RecordBatch>,
    at: usize,
}

impl CustomerMrrStream {
    /// The MRR of the customers of a data source, or of one of them; all by default.
    pub(super) async fn of(
        snapshot: &Snapshot,
        data_source: Option<&str>,
        customer: Option<&str>,
    ) -> Result<CustomerMrrStream> {
        let parameters: Vec<(&str, &str)> = [("source", data_source), ("customer", customer)]
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)))
            .collect();
        let request = ReportRequest::new("subscribers", &parameters)?;
        Ok(CustomerMrrStream { rows: snapshot.report(&request).await?, batch: None, at: 0 })
    }

    /// The MRR of a customer, in each currency. Callers go through the customers in their order.
    pub(super) async fn take(&mut self, data_source: &str, id: &str) -> Result<Vec<CustomerMrr>> {
        let mut found = Vec::new();
        while let Some(row) = self.row().await? {
            let key = (row.required("data_source")?, row.required("customer_id")?);
            let order = (key.0.as_str(), key.1.as_str()).cmp(&(data_source, id));
            if order.is_gt() {
                break;
            }
            if order.is_eq() {
                found.push(customer_mrr(&row)?);
            }
            self.at += 1;
        }
        Ok(found)
    }

    /// The next row, without taking it.
    async fn row(&mut self) -> Result<Option<RecordRow<'_>>> {
        while self.batch.as_ref().is_none_or(|batch| self.at >= batch.num_rows()) {
            let next = self.rows.try_next().await.map_err(mrrow_engine::Error::from)?;
            (self.batch, self.at) = (next, 0);
            if self.batch.is_none() {
                return Ok(None);
            }
        }
        let at = self.at;
        Ok(self.batch.as_ref().map(|batch| RecordRow { batch, at }))
    }
}

fn customer_mrr(row: &RecordRow<'_>) -> Result<CustomerMrr> {
    let column = |name: &str| row.batch.column_by_name(name).ok_or_else(|| wrong_type(name));
    let day = |name: &str| -> Result<NaiveDate> {
        let days = column(name)?
            .as_primitive_opt::<Date32Type>()
            .ok_or_else(|| wrong_type(name))?
            .value(row.at);
        let epoch = NaiveDate::default();
        let days_of = Days::new(u64::from(days.unsigned_abs()));
        let day = if days < 0 {
            epoch.checked_sub_days(days_of)
        } else {
            epoch.checked_add_days(days_of)
        };
        day.ok_or_else(|| wrong_type(name))
    };
    let mrr = column("mrr")?;
    let decimals = mrr.as_primitive_opt::<Decimal128Type>().ok_or_else(|| wrong_type("mrr"))?;
    Ok(CustomerMrr {
        currency: row.required("currency")?.to_ascii_lowercase(),
        paid_from: day("paid_from")?,
        changed_on: day("changed_on")?,
        mrr: rounded(decimals.value(row.at), decimals.scale())?,
    })
}

/// A decimal as a whole number, rounded half away from zero.
fn rounded(value: i128, scale: i8) -> Result<i64> {
    let too_large = || ApiError::internal("an MRR exceeds 64 bits");
    let unit =
        10_i128.checked_pow(u32::try_from(scale).unwrap_or_default()).ok_or_else(too_large)?;
    let half = if value < 0 { -unit / 2 } else { unit / 2 };
    i64::try_from((value + half) / unit).map_err(|_| too_large())
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn mrr_is_rounded_to_minor_units() {
        let check = |value, expected| assert_eq!(rounded(value, 4).ok(), Some(expected));
        check(49_000_000, 4900);
        check(1_524_167, 152);
        check(5_000, 1);
        check(4_999, 0);
        check(-5_000, -1);
        check(-4_999, 0);
    }
}
