//! What the words mean: the three object types, their columns, the account's settings.

mod columns;
mod day;
mod object;
mod sent_time;
mod settings;

pub use columns::{HASH_BYTES, field_names, record_schema, required_fields};
pub(crate) use columns::{column, stored_schema};
pub(crate) use day::{date_of, day_number};
pub use object::ObjectType;
pub(crate) use sent_time::SentTime;
pub use settings::{
    ChurnRecognition, Discounts, GRACE_DAYS_MAX, GraceDays, Prorations, Refunds, SETTING_NAMES,
    Settings, SettingsError,
};

/// The data source that rows belong to when none is named.
pub const DEFAULT_DATA_SOURCE: &str = "default";

/// Currencies are ISO 4217 codes; the code is returned in upper case.
///
/// ```
/// assert_eq!(mrrow_engine::model::currency_code("usd"), Some("USD"));
/// assert_eq!(mrrow_engine::model::currency_code("XYZ"), None);
/// ```
pub fn currency_code(text: &str) -> Option<&'static str> {
    let upper = text.to_ascii_uppercase();
    iso_currency::Currency::from_code(&upper).map(|currency| currency.code())
}
