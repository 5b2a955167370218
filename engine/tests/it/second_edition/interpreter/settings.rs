//! The settings of an account (§2).

use serde_json::Value;

use super::calendar::Zone;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prorations {
    Add,
    Replace,
    Ignore,
}

/// `grace_days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraceDays {
    Days(i64),
    Never,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub timezone: Zone,
    /// `churn_recognition` is `immediate`, not `period_end`.
    pub is_immediate: bool,
    pub grace_days: GraceDays,
    /// `refunds` is `reduce`, not `ignore`.
    pub refunds_reduce: bool,
    pub prorations: Prorations,
    /// `same_period` is `replace`, not `add`.
    pub same_period_replaces: bool,
    /// `discounts` is `gross`, not `net`.
    pub is_gross: bool,
}

impl Settings {
    /// Reads the settings that differ from their defaults.
    pub fn from_json(value: &Value) -> Result<Settings, String> {
        let text = |name: &str, default: &str| value[name].as_str().unwrap_or(default).to_owned();
        let one_of = |name: &str, default: &str, other: &str| match text(name, default) {
            found if found == default => Ok(false),
            found if found == other => Ok(true),
            found => Err(format!("setting \"{name}\" is neither {default} nor {other}: {found}")),
        };
        let grace_days = match &value["grace_days"] {
            Value::Null => GraceDays::Days(14),
            Value::String(text) if text == "never" => GraceDays::Never,
            found => GraceDays::Days(found.as_i64().ok_or("setting \"grace_days\" is no number")?),
        };
        let prorations = match text("prorations", "add").as_str() {
            "add" => Prorations::Add,
            "replace" => Prorations::Replace,
            "ignore" => Prorations::Ignore,
            found => return Err(format!("setting \"prorations\" has unknown value {found}")),
        };
        Ok(Settings {
            timezone: Zone::named(&text("timezone", "UTC"))?,
            is_immediate: one_of("churn_recognition", "period_end", "immediate")?,
            grace_days,
            refunds_reduce: !one_of("refunds", "reduce", "ignore")?,
            prorations,
            same_period_replaces: one_of("same_period", "add", "replace")?,
            is_gross: one_of("discounts", "net", "gross")?,
        })
    }
}
