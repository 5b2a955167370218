//! The records as GrowPanel's clients know them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat};
use mrrow_engine::arrow::array::{Array, AsArray, RecordBatch};
use mrrow_engine::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::lives::Life;
use crate::error::{ApiError, Result};

/// A customer, with what its movements tell.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Customer {
    pub(super) id: String,
    data_source: String,
    name: String,
    email: Option<String>,
    created_date: Option<String>,
    country: Option<String>,
    state: Option<String>,
    trial_started: Option<String>,
    #[schema(value_type = Object)]
    custom_variables: Box<RawValue>,
    /// The day of its first movement.
    paid_started: Option<NaiveDate>,
    /// The day on which it stopped to pay; null while it pays.
    cancel_date: Option<NaiveDate>,
    /// `active` (it has MRR), `canceled` (it had), `trialing` (it began a trial and never had),
    /// `lead`.
    #[schema(example = "active")]
    status: &'static str,
    /// Always null, as the two after it: billing records do not tell.
    trial_end_date: Option<NaiveDate>,
    overdue_date: Option<NaiveDate>,
    cancel_reason: Option<String>,
    /// The currency of its latest movement.
    #[schema(example = "usd")]
    currency: Option<String>,
    /// Its MRR by currency, in minor units.
    current_mrr: BTreeMap<String, i64>,
}

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plan {
    id: String,
    /// The same as `id`.
    external_id: String,
    data_source: String,
    name: String,
    /// `day`, `week`, `month` or `year`; a quarter is three months.
    #[schema(example = "month")]
    billing_freq: String,
    billing_freq_count: i64,
    #[schema(example = "usd")]
    currency: String,
    plan_group: Option<String>,
    product_name: Option<String>,
}

/// An invoice.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invoice {
    id: String,
    data_source: String,
    customer_id: String,
    #[serde(rename = "type")]
    kind: String,
    date: String,
    /// In minor units of the currency.
    amount: i64,
    #[schema(example = "usd")]
    currency: String,
    plan_id: Option<String>,
    subscription_id: Option<String>,
    period_start: Option<String>,
    period_end: Option<String>,
    proration: Option<bool>,
    quantity: Option<i64>,
    discount: Option<i64>,
}

impl Customer {
    /// A customer of a row, with its lives: one for each currency.
    pub(super) fn of(row: &Row<'_>, lives: &[Life]) -> Result<Customer> {
        let trial_started = row.instant("trial_started")?;
        let is_paying = lives.iter().any(|life| life.mrr != 0);
        let latest = lives.iter().max_by_key(|life| life.changed_on);
        let status = match (lives.is_empty(), is_paying, &trial_started) {
            (_, true, _) => "active",
            (false, false, _) => "canceled",
            (true, false, Some(_)) => "trialing",
            (true, false, None) => "lead",
        };
        let metadata = row.text("metadata")?.unwrap_or_else(|| "{}".to_string());
        let custom_variables = RawValue::from_string(metadata).map_err(|error| {
            ApiError::internal(format!("the metadata of a customer is not JSON: {error}"))
        })?;
        Ok(Customer {
            id: row.required("id")?,
            data_source: row.required("data_source")?,
            name: row.required("name")?,
            email: row.text("email")?,
            created_date: row.instant("created")?,
            country: row.text("country")?,
            state: row.text("state")?,
            trial_started,
            custom_variables,
            paid_started: lives.iter().map(|life| life.paid_from).min(),
            cancel_date: latest.filter(|_| !is_paying).map(|life| life.changed_on),
            status,
            trial_end_date: None,
            overdue_date: None,
            cancel_reason: None,
            currency: latest.map(|life| life.currency.clone()),
            current_mrr: lives
                .iter()
                .filter(|life| life.mrr != 0)
                .map(|life| (life.currency.clone(), life.mrr))
                .collect(),
        })
    }
}

impl Plan {
    pub(super) fn of(row: &Row<'_>) -> Result<Plan> {
        let id = row.required("id")?;
        Ok(Plan {
            external_id: id.clone(),
            id,
            data_source: row.required("data_source")?,
            name: row.required("name")?,
            billing_freq: row.required("interval")?,
            billing_freq_count: row.whole("interval_count")?.unwrap_or(1),
            currency: row.required("currency")?.to_ascii_lowercase(),
            plan_group: row.text("plan_group")?,
            product_name: row.text("product_name")?,
        })
    }
}

impl Invoice {
    pub(super) fn of(row: &Row<'_>) -> Result<Invoice> {
        Ok(Invoice {
            id: row.required("id")?,
            data_source: row.required("data_source")?,
            customer_id: row.required("customer_id")?,
            kind: row.required("type")?,
            date: row.instant("invoice_date")?.unwrap_or_default(),
            amount: row.whole("amount")?.unwrap_or_default(),
            currency: row.required("currency")?.to_ascii_lowercase(),
            plan_id: row.text("plan_id")?,
            subscription_id: row.text("subscription_id")?,
            period_start: row.instant("period_start")?,
            period_end: row.instant("period_end")?,
            proration: row.flag("proration")?,
            quantity: row.whole("quantity")?,
            discount: row.whole("discount")?,
        })
    }
}

/// One row of a batch.
pub(crate) struct Row<'b> {
    pub(crate) batch: &'b RecordBatch,
    pub(crate) at: usize,
}

impl Row<'_> {
    fn column(&self, name: &str) -> Result<Option<&dyn Array>> {
        let column = self
            .batch
            .column_by_name(name)
            .ok_or_else(|| ApiError::internal(format!("a table has no column \"{name}\"")))?;
        Ok((!column.is_null(self.at)).then_some(column.as_ref()))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(column) = self.column(name)? else { return Ok(None) };
        let text = column
            .as_string_opt::<i32>()
            .map(|texts| texts.value(self.at))
            .or_else(|| column.as_string_view_opt().map(|texts| texts.value(self.at)));
        text.map(|text| Some(text.to_string())).ok_or_else(|| unlike(name))
    }

    pub(crate) fn required(&self, name: &str) -> Result<String> {
        Ok(self.text(name)?.unwrap_or_default())
    }

    fn whole(&self, name: &str) -> Result<Option<i64>> {
        let Some(column) = self.column(name)? else { return Ok(None) };
        let numbers = column.as_primitive_opt::<Int64Type>().ok_or_else(|| unlike(name))?;
        Ok(Some(numbers.value(self.at)))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>> {
        let Some(column) = self.column(name)? else { return Ok(None) };
        Ok(Some(column.as_boolean_opt().ok_or_else(|| unlike(name))?.value(self.at)))
    }

    fn instant(&self, name: &str) -> Result<Option<String>> {
        let Some(column) = self.column(name)? else { return Ok(None) };
        let instants =
            column.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| unlike(name))?;
        let instant =
            DateTime::from_timestamp_micros(instants.value(self.at)).ok_or_else(|| unlike(name))?;
        Ok(Some(instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
    }
}

pub(super) fn unlike(name: &str) -> ApiError {
    ApiError::internal(format!("the column \"{name}\" is not of its type"))
}
