//! What the rules depend on besides the records: settings and as_of.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Settings;

/// The settings and the day that a computation is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleInputs {
    pub(crate) settings: Settings,
    pub(crate) as_of: NaiveDate,
}
