//! When a data source is fetched by itself.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};

/// The shortest interval.
const SECONDS_MIN: u32 = 60;

/// The longest interval: a year.
const SECONDS_MAX: u32 = 366 * 24 * 60 * 60;

/// The longest pattern.
const CRON_BYTES_MAX: usize = 200;

/// When a data source is fetched by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Schedule {
    /// Only when it is asked for.
    #[default]
    #[serde(rename = "none")]
    OnDemand,
    /// Every so many seconds, from the beginning of one sync to that of the next; the first one at
    /// once.
    Interval {
        /// At least 60.
        #[schema(minimum = 60, maximum = 31622400)]
        seconds: u32,
    },
    /// At the minutes that a cron pattern names, in the account's time zone (the setting
    /// `timezone`).
    Cron {
        /// Minute, hour, day of the month, month, day of the week.
        #[schema(example = "0 3 * * *", min_length = 1, max_length = 200)]
        cron: String,
    },
}

impl Schedule {
    /// Refuses what never comes, or too often.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Schedule::OnDemand => Ok(()),
            Schedule::Interval { seconds } if (SECONDS_MIN..=SECONDS_MAX).contains(seconds) => {
                Ok(())
            }
            Schedule::Interval { .. } => {
                let message =
                    format!("the interval must be between {SECONDS_MIN} and {SECONDS_MAX} seconds");
                Err(ApiError::invalid("schedule.seconds", message))
            }
            Schedule::Cron { cron } => {
                let refused = |why: &str| {
                    let message = format!(
                        "{why}; use minute, hour, day of the month, month, day of the week, such as \"0 3 * * *\""
                    );
                    ApiError::invalid("schedule.cron", message)
                };
                if cron.len() > CRON_BYTES_MAX {
                    return Err(refused("the pattern has more than 200 characters"));
                }
                if cron.split_whitespace().count() != 5 && !cron.trim().starts_with('@') {
                    return Err(refused("the pattern does not have five parts"));
                }
                let pattern = Cron::from_str(cron).map_err(|error| {
                    refused(&format!("the pattern is not one of cron: {error}"))
                })?;
                match pattern.find_next_occurrence(&DateTime::<Utc>::UNIX_EPOCH, false) {
                    Ok(_) => Ok(()),
                    Err(_) => Err(refused("the pattern names no day that comes")),
                }
            }
        }
    }

    /// When the next sync is due: it is at once where a time was missed. `set_at` is when the
    /// schedule was set, `begun_at` when the last sync began.
    pub(crate) fn due(
        &self,
        set_at: DateTime<Utc>,
        begun_at: Option<DateTime<Utc>>,
        zone: Tz,
    ) -> Option<DateTime<Utc>> {
        match self {
            Schedule::OnDemand => None,
            Schedule::Interval { seconds } => match begun_at {
                None => Some(set_at),
                Some(begun_at) => {
                    begun_at.checked_add_signed(TimeDelta::seconds(i64::from(*seconds)))
                }
            },
            Schedule::Cron { cron } => {
                let after =
                    begun_at.map_or(set_at, |begun_at| begun_at.max(set_at)).with_timezone(&zone);
                let next = Cron::from_str(cron).ok()?.find_next_occurrence(&after, false).ok()?;
                Some(next.with_timezone(&Utc))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn schedule(json: &str) -> Schedule {
        serde_json::from_str(json).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn what_never_comes_or_too_often_is_refused() {
        for (json, is_taken) in [
            (r#"{"type":"none"}"#, true),
            (r#"{"type":"interval","seconds":59}"#, false),
            (r#"{"type":"interval","seconds":60}"#, true),
            (r#"{"type":"interval","seconds":31622401}"#, false),
            (r#"{"type":"cron","cron":"0 3 * * *"}"#, true),
            (r#"{"type":"cron","cron":"*/15 8-18 * * 1-5"}"#, true),
            (r#"{"type":"cron","cron":"@daily"}"#, true),
            (r#"{"type":"cron","cron":"* * * * * *"}"#, false),
            (r#"{"type":"cron","cron":"0 25 * * *"}"#, false),
            (r#"{"type":"cron","cron":"0 0 30 2 *"}"#, false),
            (r#"{"type":"cron","cron":""}"#, false),
        ] {
            assert_eq!(schedule(json).check().is_ok(), is_taken, "{json}");
        }
        for json in [
            r#"{"type":"interval"}"#,
            r#"{"type":"interval","seconds":-1}"#,
            r#"{"type":"weekly"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<Schedule>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_interval_runs_from_beginning_to_beginning() {
        let hourly = schedule(r#"{"type":"interval","seconds":3600}"#);
        let set_at = at("2024-01-01T00:00:00Z");
        assert_eq!(hourly.due(set_at, None, Tz::UTC), Some(set_at));
        assert_eq!(
            hourly.due(set_at, Some(at("2024-01-01T05:10:00Z")), Tz::UTC),
            Some(at("2024-01-01T06:10:00Z"))
        );
        assert_eq!(schedule(r#"{"type":"none"}"#).due(set_at, None, Tz::UTC), None);
    }

    #[test]
    fn a_pattern_is_of_the_accounts_time_zone() {
        let nightly = schedule(r#"{"type":"cron","cron":"0 3 * * *"}"#);
        let set_at = at("2024-01-10T12:00:00Z");
        assert_eq!(nightly.due(set_at, None, Tz::UTC), Some(at("2024-01-11T03:00:00Z")));
        assert_eq!(
            nightly.due(set_at, None, Tz::America__New_York),
            Some(at("2024-01-11T08:00:00Z"))
        );
        let begun = Some(at("2024-07-01T03:00:00Z"));
        assert_eq!(nightly.due(set_at, begun, Tz::UTC), Some(at("2024-07-02T03:00:00Z")));
        // In summer, and an earlier sync than the schedule does not count.
        assert_eq!(
            nightly.due(at("2024-07-01T12:00:00Z"), Some(set_at), Tz::Europe__Berlin),
            Some(at("2024-07-02T01:00:00Z"))
        );
    }
}
