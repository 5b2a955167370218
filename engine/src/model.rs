//! Nouns: the three object types, settings, keys, data sources, jobs, plan groups.

mod api_key;
mod data_source;
mod day;
mod instant;
mod job;
mod names;
mod object;
mod on_error;
mod past;
mod plan_group;
mod pull;
mod rule_inputs;
mod sent_time;
mod settings;

pub use api_key::{ApiKey, NewKey, Role};
pub use data_source::{DataSource, NewDataSource};
pub(crate) use day::{date_of, day_number};
pub(crate) use instant::micros;
pub use job::{Job, JobState};
pub(crate) use names::{check_id, check_name, random_id};
pub use object::ObjectType;
pub use on_error::OnError;
pub use past::Past;
pub use plan_group::{GroupDefinition, GroupKind, PlanGroup, SelectorType};
pub use pull::Pull;
pub(crate) use rule_inputs::RuleInputs;
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
