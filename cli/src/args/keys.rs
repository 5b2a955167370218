//! The arguments of `mrrow keys`.

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use mrrow_engine::access::Role;

use super::{OutputArgs, instant};

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Create a key and print it; it is shown only once
    Create(CreateKeyArgs),
    /// List all keys, without their secrets
    List(OutputArgs),
    /// Revoke a key; a running server refuses it within a second
    Revoke {
        /// The key's id, or its name if the name is unique
        #[arg(value_name = "ID|NAME")]
        key: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mrrow keys create --name ops --role admin > key.txt
  mrrow keys create --name dashboard --role viewer --expires-in 90d
  mrrow keys create --name shop --role admin --source shop")]
pub(crate) struct CreateKeyArgs {
    /// A label for people
    #[arg(long)]
    pub(crate) name: String,
    /// Permissions of the key: everything (admin) or reading (viewer)
    #[arg(long, value_name = "admin|viewer")]
    pub(crate) role: Role,
    /// Restrict the key to this data source, by id or name; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) source: Vec<String>,
    /// Expire at this instant, such as 2026-12-31T23:59:59Z
    #[arg(long, value_name = "INSTANT", value_parser = instant, conflicts_with = "expires_in")]
    pub(crate) expires: Option<DateTime<Utc>>,
    /// Expire after a number of hours, days or weeks, such as 12h, 90d or 8w
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) expires_in: Option<TimeDelta>,
}

/// A duration of up to a hundred years.
fn duration(text: &str) -> Result<TimeDelta, String> {
    const DAYS_MAX: i64 = 36_500;
    let split = text.len() - text.chars().next_back().map_or(0, char::len_utf8);
    let (number, unit) = text.split_at(split);
    let number: Option<i64> =
        number.parse::<u32>().ok().filter(|number| *number > 0).map(i64::from);
    let duration = match (number, unit) {
        (Some(number), "h") => TimeDelta::try_hours(number),
        (Some(number), "d") => TimeDelta::try_days(number),
        (Some(number), "w") => TimeDelta::try_weeks(number),
        _ => None,
    };
    duration.filter(|duration| *duration <= TimeDelta::days(DAYS_MAX)).ok_or_else(|| {
        format!("\"{text}\" is not a duration of at most {DAYS_MAX} days, such as 12h, 90d or 8w")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_a_number_of_hours_days_or_weeks() {
        let table = [("12h", 12), ("1d", 24), ("90d", 2_160), ("8w", 1_344), ("36500d", 876_000)];
        for (text, hours) in table {
            assert_eq!(duration(text), Ok(TimeDelta::hours(hours)), "{text}");
        }
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "1.5d",
            "90",
            "9m",
            "1 d",
            "d1",
            "36501d",
            "4294967295w",
            "99999999999d",
            "9é",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
