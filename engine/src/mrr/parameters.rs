//! `RuleInputs` as the parameters that SQL binds.

use std::collections::HashMap;

use chrono::NaiveDate;
use datafusion::common::ParamValues;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::scalar::ScalarValue;

use crate::model::{GraceDays, RuleInputs, day_number};

impl RuleInputs {
    /// The parameters that SQL may bind: `$as_of`, and each setting that the rules read, by its
    /// name; `$grace_days` is null under `never`.
    pub(crate) fn parameters(&self) -> ParamValues {
        let grace_days = match self.settings.grace_days {
            GraceDays::Days(days) => Some(i64::from(days)),
            GraceDays::Never => None,
        };
        let mut values = HashMap::from([
            ("as_of", date_value(Some(self.as_of))),
            ("grace_days", ScalarValue::Int64(grace_days)),
        ]);
        let choices = [
            ("timezone", self.settings.timezone.name()),
            ("churn_recognition", self.settings.churn_recognition.text()),
            ("refunds", self.settings.refunds.text()),
            ("prorations", self.settings.prorations.text()),
            ("discounts", self.settings.discounts.text()),
        ];
        for (name, value) in choices {
            values.insert(name, ScalarValue::Utf8(Some(value.to_string())));
        }
        let named = values
            .into_iter()
            .map(|(name, value)| (name.to_string(), ScalarAndMetadata::from(value)));
        ParamValues::Map(named.collect())
    }
}

/// A day as SQL binds it.
pub(crate) fn date_value(date: Option<NaiveDate>) -> ScalarValue {
    ScalarValue::Date32(date.map(day_number))
}
