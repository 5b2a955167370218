//! The account's settings (`mrr.md` §2): a value each, with its default and its check.

use crate::error::Error;
use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The most days `grace_days` takes; beyond it there is only `never`.
pub const GRACE_DAYS_MAX: u16 = 90;

/// The settings by name, in the order in which they are listed.
pub const SETTING_NAMES: [&str; 7] = [
    "timezone",
    "churn_recognition",
    "grace_days",
    "refunds",
    "prorations",
    "discounts",
    "base_currency",
];

/// A setting that is not there or a value that it does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No setting has this name.
    #[error("there is no setting \"{0}\"; the settings are {names}", names = SETTING_NAMES.join(", "))]
    UnknownName(String),
    /// The setting does not take this value.
    #[error("\"{name}\" does not take \"{value}\"; use {expected}")]
    BadValue {
        /// The setting.
        name: &'static str,
        /// The value refused.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
}

impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Error {
        Error::Setting(error.to_string())
    }
}

macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

choices! {
    /// When a cancellation without a `period_end` of its own takes effect.
    ChurnRecognition {
        /// At the end of what was paid.
        #[default] PeriodEnd = "period_end",
        /// On the day of the cancellation.
        Immediate = "immediate",
    }
}
choices! {
    /// Whether refunds touch MRR.
    Refunds {
        /// A refund lowers MRR until its period ends.
        #[default] Reduce = "reduce",
        /// Refunds leave MRR alone.
        Ignore = "ignore",
    }
}
choices! {
    /// What a proration that is not full-length means.
    Prorations {
        /// A signed change of the running period.
        #[default] Add = "add",
        /// The full new price from its start.
        Replace = "replace",
        /// Nothing.
        Ignore = "ignore",
    }
}
choices! {
    /// Whether discounts lower MRR.
    Discounts {
        /// MRR of what is charged.
        #[default] Net = "net",
        /// MRR before discounts.
        Gross = "gross",
    }
}

/// How long a missing renewal is waited for before it is a lapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraceDays {
    /// So many days, but never longer than one billing cycle.
    Days(u16),
    /// Without end: only a cancellation churns.
    Never,
}

/// Everything the numbers depend on besides the records and `as_of`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The zone whose days MRR is counted in.
    pub timezone: Tz,
    /// When a cancellation takes effect.
    pub churn_recognition: ChurnRecognition,
    /// How long a missing renewal is waited for.
    pub grace_days: GraceDays,
    /// Whether refunds touch MRR.
    pub refunds: Refunds,
    /// What prorations mean.
    pub prorations: Prorations,
    /// Whether discounts lower MRR.
    pub discounts: Discounts,
    /// The currency of reports; unset, the only one in the data.
    pub base_currency: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            timezone: Tz::UTC,
            churn_recognition: ChurnRecognition::default(),
            grace_days: GraceDays::Days(14),
            refunds: Refunds::default(),
            prorations: Prorations::default(),
            discounts: Discounts::default(),
            base_currency: None,
        }
    }
}

impl Settings {
    /// The value of a setting as text; an unset `base_currency` is empty.
    ///
    /// ```
    /// let settings = mrrow_engine::model::Settings::default();
    /// assert_eq!(settings.get("grace_days").unwrap(), "14");
    /// assert!(settings.get("grace").is_err());
    /// ```
    pub fn get(&self, name: &str) -> Result<String, SettingsError> {
        Ok(match name {
            "timezone" => self.timezone.name().to_string(),
            "churn_recognition" => self.churn_recognition.text().to_string(),
            "grace_days" => self.grace_days.to_string(),
            "refunds" => self.refunds.text().to_string(),
            "prorations" => self.prorations.text().to_string(),
            "discounts" => self.discounts.text().to_string(),
            "base_currency" => self.base_currency.clone().unwrap_or_default(),
            _ => return Err(SettingsError::UnknownName(name.to_string())),
        })
    }

    /// Sets one setting from text; an empty `base_currency` unsets it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingsError> {
        match name {
            "timezone" => {
                self.timezone = parsed(
                    "timezone",
                    value,
                    Tz::from_str(value).ok(),
                    "an IANA zone such as Europe/Paris",
                )?
            }
            "churn_recognition" => {
                let choice = ChurnRecognition::parse(value);
                self.churn_recognition =
                    parsed("churn_recognition", value, choice, "period_end or immediate")?;
            }
            "grace_days" => {
                self.grace_days = parsed(
                    "grace_days",
                    value,
                    grace_days(value),
                    "a number from 0 to 90, or never",
                )?
            }
            "refunds" => {
                self.refunds = parsed("refunds", value, Refunds::parse(value), "reduce or ignore")?
            }
            "prorations" => {
                self.prorations = parsed(
                    "prorations",
                    value,
                    Prorations::parse(value),
                    "add, replace or ignore",
                )?;
            }
            "discounts" => {
                self.discounts =
                    parsed("discounts", value, Discounts::parse(value), "net or gross")?
            }
            "base_currency" => self.base_currency = base_currency(value)?,
            _ => return Err(SettingsError::UnknownName(name.to_string())),
        }
        Ok(())
    }
}

impl fmt::Display for GraceDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GraceDays::Days(days) => write!(f, "{days}"),
            GraceDays::Never => f.write_str("never"),
        }
    }
}

fn parsed<T>(
    name: &'static str,
    value: &str,
    choice: Option<T>,
    expected: &'static str,
) -> Result<T, SettingsError> {
    choice.ok_or_else(|| SettingsError::BadValue { name, value: value.to_string(), expected })
}

fn grace_days(value: &str) -> Option<GraceDays> {
    if value == "never" {
        return Some(GraceDays::Never);
    }
    let days: u16 = value.parse().ok()?;
    (days <= GRACE_DAYS_MAX).then_some(GraceDays::Days(days))
}

fn base_currency(value: &str) -> Result<Option<String>, SettingsError> {
    if value.is_empty() {
        return Ok(None);
    }
    let code = crate::model::currency_code(value);
    parsed("base_currency", value, code, "an ISO 4217 code such as USD")
        .map(|code| Some(code.to_string()))
}
