//! The limits of a server by name: `--limit connections=100`, or under `[serve.limits]` in
//! mrrow.toml.

use std::time::Duration;

use mrrow_server::Limits;

const MIB: u64 = 1024 * 1024;

/// A limit that the command line and mrrow.toml can set.
struct ServeLimit {
    name: &'static str,
    /// The bounded quantity, as a comment in the help.
    bounds: &'static str,
    value: LimitAccessor,
}

/// Borrows the value of a limit.
type LimitAccessor = for<'a> fn(&'a mut Limits) -> LimitValue<'a>;

/// The value of a limit, in its unit.
enum LimitValue<'a> {
    Count(&'a mut usize),
    Seconds(&'a mut Duration),
    Mib(&'a mut usize),
    LongMib(&'a mut u64),
}

const fn limit(name: &'static str, bounds: &'static str, value: LimitAccessor) -> ServeLimit {
    ServeLimit { name, bounds, value }
}

const SERVE_LIMITS: [ServeLimit; 21] = [
    limit("connections", "open connections", |limits| LimitValue::Count(&mut limits.connections)),
    limit("head_seconds", "to receive the head of a request", |limits| {
        LimitValue::Seconds(&mut limits.head_time)
    }),
    limit("body_seconds", "to receive the body of a request", |limits| {
        LimitValue::Seconds(&mut limits.body_time)
    }),
    limit("body_pause_seconds", "in which an upload sends nothing", |limits| {
        LimitValue::Seconds(&mut limits.body_pause)
    }),
    limit("body_mib", "in a body as sent", |limits| LimitValue::Mib(&mut limits.body_bytes)),
    limit("decoded_mib", "in a decompressed body", |limits| {
        LimitValue::Mib(&mut limits.decoded_bytes)
    }),
    limit("bodies_mib", "in all bodies in memory", |limits| {
        LimitValue::Mib(&mut limits.bodies_bytes)
    }),
    limit("import_mib", "in an upload to …/imports", |limits| {
        LimitValue::LongMib(&mut limits.import_bytes)
    }),
    limit("imports_waiting", "uploads in the queue", |limits| {
        LimitValue::Count(&mut limits.imports_waiting)
    }),
    limit("reads_at_once", "concurrent reads", |limits| {
        LimitValue::Count(&mut limits.reads_at_once)
    }),
    limit("wait_seconds", "that a read waits for min_sequence", |limits| {
        LimitValue::Seconds(&mut limits.wait_time)
    }),
    limit("stop_seconds", "for running requests when the server stops", |limits| {
        LimitValue::Seconds(&mut limits.stop_time)
    }),
    limit("pull_pages", "pages of one type in a sync", |limits| {
        LimitValue::Count(&mut limits.pull.pages)
    }),
    limit("pull_page_mib", "in a page as sent", |limits| {
        LimitValue::Mib(&mut limits.pull.page_bytes)
    }),
    limit("pull_decoded_mib", "in a decompressed page", |limits| {
        LimitValue::Mib(&mut limits.pull.decoded_bytes)
    }),
    limit("pull_pause_seconds", "in which an endpoint sends nothing", |limits| {
        LimitValue::Seconds(&mut limits.pull.pause_time)
    }),
    limit("pull_page_seconds", "to fetch a page", |limits| {
        LimitValue::Seconds(&mut limits.pull.page_time)
    }),
    limit("pull_sync_seconds", "to complete a sync", |limits| {
        LimitValue::Seconds(&mut limits.pull.sync_time)
    }),
    limit("pull_retries", "retries of a page after a temporary error", |limits| {
        LimitValue::Count(&mut limits.pull.retries)
    }),
    limit("pull_retry_after_seconds", "largest Retry-After that is honoured", |limits| {
        LimitValue::Seconds(&mut limits.pull.retry_after_max)
    }),
    limit("pull_syncs", "concurrent syncs", |limits| LimitValue::Count(&mut limits.pull.syncs)),
];

/// Sets a limit by its name.
pub(crate) fn set(limits: &mut Limits, name: &str, number: u64) -> Result<(), String> {
    let Some(limit) = SERVE_LIMITS.iter().find(|limit| limit.name == name) else {
        let names: Vec<_> = SERVE_LIMITS.iter().map(|limit| limit.name).collect();
        return Err(format!("\"{name}\" is not a limit; the limits are {}", names.join(", ")));
    };
    if number == 0 {
        return Err(format!(
            "the limit \"{name}\" is 0, which allows nothing; give a larger number"
        ));
    }
    let too_large = || format!("the limit \"{name}\" is too large: {number}");
    let bytes = number.checked_mul(MIB);
    match (limit.value)(limits) {
        LimitValue::Count(count) => *count = number.try_into().map_err(|_| too_large())?,
        LimitValue::Seconds(time) => {
            *time = Duration::from_secs(u32::try_from(number).map_err(|_| too_large())?.into())
        }
        LimitValue::Mib(size) => {
            *size = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(too_large)?
        }
        LimitValue::LongMib(size) => *size = bytes.ok_or_else(too_large)?,
    }
    Ok(())
}

/// Every limit with its default, as lines of mrrow.toml.
pub(super) fn help() -> String {
    let mut defaults = Limits::default();
    let mut lines = Vec::with_capacity(SERVE_LIMITS.len());
    for ServeLimit { name, bounds, value } in SERVE_LIMITS {
        let default = match value(&mut defaults) {
            LimitValue::Count(count) => *count as u64,
            LimitValue::Seconds(time) => time.as_secs(),
            LimitValue::Mib(bytes) => *bytes as u64 / MIB,
            LimitValue::LongMib(bytes) => *bytes / MIB,
        };
        lines.push(format!(
            "  {name} = {default}{:spaces$}# {bounds}",
            "",
            spaces = 28_usize.saturating_sub(name.len() + digits(default))
        ));
    }
    lines.join("\n")
}

fn digits(number: u64) -> usize {
    number.to_string().len()
}

/// Parses `NAME=NUMBER`.
pub(super) fn parse(text: &str) -> Result<(String, u64), String> {
    let pair = text
        .split_once('=')
        .and_then(|(name, number)| Some((name.trim().to_string(), number.trim().parse().ok()?)));
    let (name, number) =
        pair.ok_or_else(|| format!("\"{text}\" is not NAME=NUMBER, such as connections=100"))?;
    set(&mut Limits::default(), &name, number)?;
    Ok((name, number))
}

#[cfg(test)]
mod tests {
    use mrrow_server::PullLimits;

    use super::*;

    #[test]
    fn every_limit_is_set_by_its_name() {
        let mut limits = Limits::default();
        for ServeLimit { name, .. } in SERVE_LIMITS {
            assert_eq!(set(&mut limits, name, 3), Ok(()), "{name}");
        }
        let expected = Limits {
            connections: 3,
            head_time: Duration::from_secs(3),
            body_time: Duration::from_secs(3),
            body_pause: Duration::from_secs(3),
            body_bytes: 3 << 20,
            decoded_bytes: 3 << 20,
            bodies_bytes: 3 << 20,
            import_bytes: 3 << 20,
            imports_waiting: 3,
            reads_at_once: 3,
            wait_time: Duration::from_secs(3),
            stop_time: Duration::from_secs(3),
            pull: PullLimits {
                pages: 3,
                page_bytes: 3 << 20,
                decoded_bytes: 3 << 20,
                pause_time: Duration::from_secs(3),
                page_time: Duration::from_secs(3),
                sync_time: Duration::from_secs(3),
                retries: 3,
                retry_after_max: Duration::from_secs(3),
                syncs: 3,
                ..PullLimits::default()
            },
        };
        assert_eq!(limits, expected);
    }

    #[test]
    fn invalid_limits_are_rejected() {
        for text in [
            "connections",
            "connections=many",
            "sockets=3",
            "connections=0",
            "body_mib=99999999999999999",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("connections=7"), Ok(("connections".to_string(), 7)));
    }
}
