//! Records in the form of GrowPanel's clients.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::customer_mrr::CustomerMrr;
use crate::error::{ApiError, Result};
use crate::snapshots::RecordRow;

/// A customer, with the numbers of its movements.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Customer)]
pub(crate) struct CustomerResponse {
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
    /// The day on which its MRR became zero; null while it has MRR.
    cancel_date: Option<NaiveDate>,
    /// `active` (it has MRR), `canceled` (it had MRR), `trialing` (a trial, never MRR) or `lead`.
    #[schema(example = "active")]
    status: &'static str,
    /// Always null, like the next two: billing records do not have it.
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
#[schema(as = Plan)]
pub(crate) struct PlanResponse {
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
#[schema(as = Invoice)]
pub(crate) struct InvoiceResponse {
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

impl CustomerResponse {
    /// A customer with its MRR in each currency.
    pub(super) fn of(row: &RecordRow<'_>, mrr: &[CustomerMrr]) -> Result<CustomerResponse> {
        let trial_started = row.instant("trial_started")?;
        let is_paying = mrr.iter().any(|one| one.mrr != 0);
        let latest = mrr.iter().max_by_key(|one| one.changed_on);
        let status = match (mrr.is_empty(), is_paying, &trial_started) {
            (_, true, _) => "active",
            (false, false, _) => "canceled",
            (true, false, Some(_)) => "trialing",
            (true, false, None) => "lead",
        };
        let metadata = row.text("metadata")?.unwrap_or_else(|| "{}".to_string());
        let custom_variables = RawValue::from_string(metadata).map_err(|error| {
            ApiError::internal(format!("the metadata of a customer is not JSON: {error}"))
        })?;
        Ok(CustomerResponse {
            id: row.required("id")?,
            data_source: row.required("data_source")?,
            name: row.required("name")?,
            email: row.text("email")?,
            created_date: row.instant("created")?,
            country: row.text("country")?,
            state: row.text("state")?,
            trial_started,
            custom_variables,
            paid_started: mrr.iter().map(|one| one.paid_from).min(),
            cancel_date: latest.filter(|_| !is_paying).map(|one| one.changed_on),
            status,
            trial_end_date: None,
            overdue_date: None,
            cancel_reason: None,
            currency: latest.map(|one| one.currency.clone()),
            current_mrr: mrr
                .iter()
                .filter(|one| one.mrr != 0)
                .map(|one| (one.currency.clone(), one.mrr))
                .collect(),
        })
    }
}

impl PlanResponse {
    pub(super) fn of(row: &RecordRow<'_>) -> Result<PlanResponse> {
        let id = row.required("id")?;
        Ok(PlanResponse {
            external_id: id.clone(),
            id,
            data_source: row.required("data_source")?,
            name: row.required("name")?,
            billing_freq: row.required("interval")?,
            billing_freq_count: row.integer("interval_count")?.unwrap_or(1),
            currency: row.required("currency")?.to_ascii_lowercase(),
            plan_group: row.text("plan_group")?,
            product_name: row.text("product_name")?,
        })
    }
}

impl InvoiceResponse {
    pub(super) fn of(row: &RecordRow<'_>) -> Result<InvoiceResponse> {
        Ok(InvoiceResponse {
            id: row.required("id")?,
            data_source: row.required("data_source")?,
            customer_id: row.required("customer_id")?,
            kind: row.required("type")?,
            date: row.instant("invoice_date")?.unwrap_or_default(),
            amount: row.integer("amount")?.unwrap_or_default(),
            currency: row.required("currency")?.to_ascii_lowercase(),
            plan_id: row.text("plan_id")?,
            subscription_id: row.text("subscription_id")?,
            period_start: row.instant("period_start")?,
            period_end: row.instant("period_end")?,
            proration: row.boolean("proration")?,
            quantity: row.integer("quantity")?,
            discount: row.integer("discount")?,
        })
    }
}
