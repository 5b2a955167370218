//! The schedule of a data source: the times at which a sync starts without a request.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{PullError, PullResult};

/// The shortest interval.
const SECONDS_MIN: u32 = 60;

/// The longest interval: a year.
const SECONDS_MAX: u32 = 366 * 24 * 60 * 60;

/// The longest pattern.
const CRON_BYTES_MAX: usize = 200;

/// The times at which a sync starts without a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum PullSchedule {
    /// Never; syncs start on demand.
    #[default]
    #[serde(rename = "none")]
    OnDemand,
    /// At a fixed interval from the start of one sync to the start of the next; the first one at
    /// once.
    Interval {
        /// The interval in seconds, at least 60.
        #[schema(minimum = 60, maximum = 31622400)]
        seconds: u32,
    },
    /// At the minutes of a cron pattern, in the account's time zone (the setting `timezone`).
    Cron {
        /// Minute, hour, day of the month, month, day of the week.
        #[schema(example = "0 3 * * *", min_length = 1, max_length = 200)]
        cron: String,
    },
}

impl PullSchedule {
    /// Rejects a schedule that is invalid, too frequent or never due.
    pub(super) fn check(&self) -> PullResult<()> {
        match self {
            PullSchedule::OnDemand => Ok(()),
            PullSchedule::Interval { seconds } if (SECONDS_MIN..=SECONDS_MAX).contains(seconds) => {
                Ok(())
            }
            PullSchedule::Interval { .. } => {
                let message =
                    format!("the interval must be between {SECONDS_MIN} and {SECONDS_MAX} seconds");
                Err(PullError::field("schedule.seconds", message))
            }
            PullSchedule::Cron { cron } => {
                let refused = |why: &str| {
                    let message = format!(
                        "{why}; use minute, hour, day of the month, month, day of the week, such \
                         as \"0 3 * * *\""
                    );
                    PullError::field("schedule.cron", message)
                };
                if cron.len() > CRON_BYTES_MAX {
                    return Err(refused("the pattern has more than 200 characters"));
                }
                if cron.split_whitespace().count() != 5 && !cron.trim().starts_with('@') {
                    return Err(refused("the pattern does not have five parts"));
                }
                let pattern = Cron::from_str(cron).map_err(|error| {
                    refused(&format!("the pattern is not a cron pattern: {error}"))
                })?;
                match pattern.find_next_occurrence(&DateTime::<Utc>::UNIX_EPOCH, false) {
                    Ok(_) => Ok(()),
                    Err(_) => Err(refused("no date matches the pattern")),
                }
            }
        }
    }

    /// The time at which the next sync is due; in the past if a time was missed. `set_at` is the
    /// time at which the schedule was set, `started_at` that of the last sync.
    pub(super) fn next_due(
        &self,
        set_at: DateTime<Utc>,
        started_at: Option<DateTime<Utc>>,
        zone: Tz,
    ) -> Option<DateTime<Utc>> {
        match self {
            PullSchedule::OnDemand => None,
            PullSchedule::Interval { seconds } => match started_at {
                None => Some(set_at),
                Some(started_at) => {
                    started_at.checked_add_signed(TimeDelta::seconds(i64::from(*seconds)))
                }
            },
            PullSchedule::Cron { cron } => {
                let after = started_at
                    .map_or(set_at, |started_at| started_at.max(set_at))
                    .with_timezone(&zone);
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

    fn schedule(json: &str) -> PullSchedule {
        serde_json::from_str(json).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn invalid_and_too_frequent_schedules_are_rejected() {
        for (json, is_valid) in [
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
            assert_eq!(schedule(json).check().is_ok(), is_valid, "{json}");
        }
        for json in [
            r#"{"type":"interval"}"#,
            r#"{"type":"interval","seconds":-1}"#,
            r#"{"type":"weekly"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<PullSchedule>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn interval_counts_from_start_to_start() {
        let hourly = schedule(r#"{"type":"interval","seconds":3600}"#);
        let set_at = at("2024-01-01T00:00:00Z");
        assert_eq!(hourly.next_due(set_at, None, Tz::UTC), Some(set_at));
        assert_eq!(
            hourly.next_due(set_at, Some(at("2024-01-01T05:10:00Z")), Tz::UTC),
            Some(at("2024-01-01T06:10:00Z"))
        );
        assert_eq!(schedule(r#"{"type":"none"}"#).next_due(set_at, None, Tz::UTC), None);
    }

    #[test]
    fn pattern_follows_the_accounts_time_zone() {
        let nightly = schedule(r#"{"type":"cron","cron":"0 3 * * *"}"#);
        let set_at = at("2024-01-10T12:00:00Z");
        assert_eq!(nightly.next_due(set_at, None, Tz::UTC), Some(at("2024-01-11T03:00:00Z")));
        assert_eq!(
            nightly.next_due(set_at, None, Tz::America__New_York),
            Some(at("2024-01-11T08:00:00Z"))
        );
        let started = Some(at("2024-07-01T03:00:00Z"));
        assert_eq!(nightly.next_due(set_at, started, Tz::UTC), Some(at("2024-07-02T03:00:00Z")));
        // Summer time, and a sync that is older than the schedule is ignored.
        assert_eq!(
            nightly.next_due(at("2024-07-01T12:00:00Z"), Some(set_at), Tz::Europe__Berlin),
            Some(at("2024-07-02T01:00:00Z"))
        );
    }
}
