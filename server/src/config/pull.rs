//! The configuration of pulls: limits, and the destinations that are allowed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use url::Host;

/// The limits of pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullLimits {
    /// Pages of one type in a sync; an endpoint that always has more ends here.
    pub pages: usize,
    /// Bytes of a page as it is sent, compressed or not.
    pub page_bytes: usize,
    /// Bytes of a page after decompression.
    pub decoded_bytes: usize,
    /// Objects of a page.
    pub page_rows: usize,
    /// Redirects that are followed for a page.
    pub redirects: usize,
    /// The time to connect.
    pub connect_time: Duration,
    /// The longest time in which an endpoint sends nothing.
    pub pause_time: Duration,
    /// The time for a page, from the request to its last byte.
    pub page_time: Duration,
    /// The time for a sync.
    pub sync_time: Duration,
    /// Retries of a page after an error that may be temporary.
    pub retries: usize,
    /// The pause before the first retry; each further pause is twice as long.
    pub retry_pause: Duration,
    /// The longest pause before a retry.
    pub retry_pause_max: Duration,
    /// The longest pause that an endpoint can request (Retry-After).
    pub retry_after_max: Duration,
    /// Syncs that fetch at once; further ones wait.
    pub syncs: usize,
    /// Rejected objects that a sync stores with their errors; further ones are only counted.
    pub rejections: usize,
    /// The pause between two checks whether a scheduled sync is due.
    pub schedule_tick: Duration,
}

impl Default for PullLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        const HOUR: Duration = Duration::from_secs(60 * 60);
        PullLimits {
            pages: 10_000,
            page_bytes: 64 * MIB,
            decoded_bytes: 64 * MIB,
            page_rows: 100_000,
            redirects: 5,
            connect_time: Duration::from_secs(10),
            pause_time: Duration::from_secs(30),
            page_time: Duration::from_secs(300),
            sync_time: 24 * HOUR,
            retries: 4,
            retry_pause: Duration::from_millis(500),
            retry_pause_max: Duration::from_secs(60),
            retry_after_max: Duration::from_secs(600),
            syncs: 2,
            rejections: 1000,
            schedule_tick: Duration::from_secs(1),
        }
    }
}

/// A destination outside the public Internet to which pulls may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedDestination {
    /// Every address of a network.
    Net(IpNet),
    /// A host by its name, with any address.
    Host(String),
}

impl FromStr for AllowedDestination {
    type Err = String;

    fn from_str(text: &str) -> Result<AllowedDestination, String> {
        let text = text.trim();
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(AllowedDestination::Net(net));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(AllowedDestination::Net(IpNet::from(address)));
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) if !text.contains('/') => {
                Ok(AllowedDestination::Host(name.trim_end_matches('.').to_string()))
            }
            _ => Err(format!(
                "\"{text}\" is neither a network such as 10.0.0.0/8, nor an address, nor the name \
                 of a host"
            )),
        }
    }
}

impl fmt::Display for AllowedDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AllowedDestination::Net(net) => net.fmt(f),
            AllowedDestination::Host(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_destinations_are_rejected() {
        for text in ["", "10.0.0.0/33", "http://x", "a b", "x/y"] {
            assert!(text.parse::<AllowedDestination>().is_err(), "{text}");
        }
    }
}
