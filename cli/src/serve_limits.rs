//! The limits of a server by name, as they are typed: `--limit connections=100`, or under
//! `[serve.limits]` in mrrow.toml.

use std::time::Duration;

use mrrow_server::Limits;

const MIB: u64 = 1024 * 1024;

/// Every limit: its name, what it bounds, and its place.
const NAMED: [(&str, &str, Place); 21] = [
    ("connections", "open connections", |limits| Field::Count(&mut limits.connections)),
    ("head_seconds", "until the head of a request is sent", |limits| {
        Field::Seconds(&mut limits.head_time)
    }),
    ("body_seconds", "until the body of a request is sent", |limits| {
        Field::Seconds(&mut limits.body_time)
    }),
    ("body_pause_seconds", "in which an upload sends nothing", |limits| {
        Field::Seconds(&mut limits.body_pause)
    }),
    ("body_mib", "of a body as it is sent", |limits| Field::Mib(&mut limits.body_bytes)),
    ("decoded_mib", "of a body, decompressed", |limits| Field::Mib(&mut limits.decoded_bytes)),
    ("bodies_mib", "of all bodies in memory", |limits| Field::Mib(&mut limits.bodies_bytes)),
    ("import_mib", "of an upload to …/imports", |limits| {
        Field::LongMib(&mut limits.import_bytes)
    }),
    ("imports_waiting", "uploads that wait", |limits| Field::Count(&mut limits.imports_waiting)),
    ("reads_at_once", "reads that are answered at once", |limits| {
        Field::Count(&mut limits.reads_at_once)
    }),
    ("wait_seconds", "that a read waits for min_sequence", |limits| {
        Field::Seconds(&mut limits.wait_time)
    }),
    ("stop_seconds", "for what was begun when it stops", |limits| {
        Field::Seconds(&mut limits.stop_time)
    }),
    ("pull_pages", "of a type in a sync", |limits| Field::Count(&mut limits.pull.pages)),
    ("pull_page_mib", "of a page as it is sent", |limits| Field::Mib(&mut limits.pull.page_bytes)),
    ("pull_decoded_mib", "of a page, decompressed", |limits| {
        Field::Mib(&mut limits.pull.decoded_bytes)
    }),
    ("pull_pause_seconds", "in which an endpoint sends nothing", |limits| {
        Field::Seconds(&mut limits.pull.pause_time)
    }),
    ("pull_page_seconds", "until a page is fetched", |limits| {
        Field::Seconds(&mut limits.pull.page_time)
    }),
    ("pull_sync_seconds", "until a sync is done", |limits| {
        Field::Seconds(&mut limits.pull.sync_time)
    }),
    ("pull_retries", "of a page that fails in a way that may pass", |limits| {
        Field::Count(&mut limits.pull.retries)
    }),
    ("pull_retry_after_seconds", "that Retry-After can ask for", |limits| {
        Field::Seconds(&mut limits.pull.retry_after_max)
    }),
    ("pull_syncs", "syncs at work at once", |limits| Field::Count(&mut limits.pull.syncs)),
];

type Place = for<'a> fn(&'a mut Limits) -> Field<'a>;

enum Field<'a> {
    Count(&'a mut usize),
    Seconds(&'a mut Duration),
    Mib(&'a mut usize),
    LongMib(&'a mut u64),
}

/// Sets a limit by its name.
pub(crate) fn set(limits: &mut Limits, name: &str, number: u64) -> Result<(), String> {
    let Some((_, _, place)) = NAMED.iter().find(|(known, _, _)| *known == name) else {
        let names: Vec<_> = NAMED.iter().map(|(name, _, _)| *name).collect();
        return Err(format!("\"{name}\" is not a limit; the limits are {}", names.join(", ")));
    };
    if number == 0 {
        return Err(format!(
            "the limit \"{name}\" is 0, which lets nothing through; give a larger one"
        ));
    }
    let too_large = || format!("the limit \"{name}\" is too large: {number}");
    let bytes = number.checked_mul(MIB);
    match place(limits) {
        Field::Count(count) => *count = number.try_into().map_err(|_| too_large())?,
        Field::Seconds(time) => {
            *time = Duration::from_secs(u32::try_from(number).map_err(|_| too_large())?.into())
        }
        Field::Mib(size) => {
            *size = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(too_large)?
        }
        Field::LongMib(size) => *size = bytes.ok_or_else(too_large)?,
    }
    Ok(())
}

/// Every limit with its default, for the help.
pub(crate) fn help() -> String {
    let mut defaults = Limits::default();
    let mut lines = Vec::with_capacity(NAMED.len());
    for (name, bounds, place) in NAMED {
        let default = match place(&mut defaults) {
            Field::Count(count) => *count as u64,
            Field::Seconds(time) => time.as_secs(),
            Field::Mib(bytes) => *bytes as u64 / MIB,
            Field::LongMib(bytes) => *bytes / MIB,
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

/// `NAME=NUMBER`, as it is typed.
pub(crate) fn typed(text: &str) -> Result<(String, u64), String> {
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
    fn a_limit_is_set_by_its_name() {
        let mut limits = Limits::default();
        for (name, _, _) in NAMED {
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
    fn what_is_no_limit_is_refused() {
        for text in [
            "connections",
            "connections=many",
            "sockets=3",
            "connections=0",
            "body_mib=99999999999999999",
        ] {
            assert!(typed(text).is_err(), "{text}");
        }
        assert_eq!(typed("connections=7"), Ok(("connections".to_string(), 7)));
    }
}
