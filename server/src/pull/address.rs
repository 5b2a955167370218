//! Where a pull may connect to: the public Internet, and what the operator allows besides.
//!
//! An endpoint's address is chosen by whoever configures a data source, and the server may reach
//! what that person must not: its own host, the cloud's metadata, the neighbours. So names are
//! resolved first, and only addresses that were checked are connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::failure::{Again, Failure};

/// What an operator allows besides the public Internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Addresses.
    Net(IpNet),
    /// A host by its name, whatever its addresses are.
    Host(String),
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Allowed, String> {
        let text = text.trim();
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(Allowed::Net(net));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Allowed::Net(IpNet::from(address)));
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) if !text.contains('/') => {
                Ok(Allowed::Host(name.trim_end_matches('.').to_string()))
            }
            _ => Err(format!(
                "\"{text}\" is neither a network such as 10.0.0.0/8, nor an address, nor the name of a host"
            )),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Net(net) => net.fmt(f),
            Allowed::Host(name) => name.fmt(f),
        }
    }
}

/// IPv4 addresses that are not of the public Internet (the IANA special-purpose registry, and
/// multicast).
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The only IPv6 addresses that are handed out as global unicast. What maps or translates IPv4
/// (::ffff:0:0/96, 64:ff9b::/96) is outside.
const PUBLIC_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Those of them that are not of the public Internet: protocols with Teredo, documentation, 6to4,
/// documentation.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is of the public Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !NOT_PUBLIC_V4.iter().any(|(net, length)| in_v4(*net, *length, &address))
        }
        IpAddr::V6(address) => {
            in_v6(PUBLIC_V6.0, PUBLIC_V6.1, &address)
                && !NOT_PUBLIC_V6.iter().any(|(net, length)| in_v6(*net, *length, &address))
        }
    }
}

fn in_v4(net: Ipv4Addr, length: u8, address: &Ipv4Addr) -> bool {
    Ipv4Net::new(net, length).is_ok_and(|net| net.contains(address))
}

fn in_v6(net: Ipv6Addr, length: u8, address: &Ipv6Addr) -> bool {
    Ipv6Net::new(net, length).is_ok_and(|net| net.contains(address))
}

/// Lets connections through that may be made.
#[derive(Debug, Clone)]
pub(crate) struct Guard(Arc<Vec<Allowed>>);

impl Guard {
    pub(crate) fn new(allowed: &[Allowed]) -> Guard {
        Guard(Arc::new(allowed.to_vec()))
    }

    /// Refuses a URL that is not of HTTP, or whose host is an address that must not be connected
    /// to. A name is checked when it is resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Failure> {
        if !matches!(url.scheme(), "http" | "https") {
            let message =
                format!("\"{}\" is not a scheme that is fetched; use http or https", url.scheme());
            return Err(Failure::new("url_refused", message).at(url));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let message = "a URL with a user or password in it is not fetched; configure them as authentication";
            return Err(Failure::new("url_refused", message).at(url));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => {
                return Err(Failure::new("url_refused", "the URL has no host; name one").at(url));
            }
        };
        if self.lets(address) {
            return Ok(());
        }
        Err(Refused { host: address.to_string(), address: Some(address) }.failure().at(url))
    }

    /// Whether an address may be connected to.
    fn lets(&self, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        is_public(address)
            || self
                .0
                .iter()
                .any(|allowed| matches!(allowed, Allowed::Net(net) if net.contains(&plain) || net.contains(&address)))
    }

    fn lets_host(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        self.0.iter().any(
            |allowed| matches!(allowed, Allowed::Host(host) if host.eq_ignore_ascii_case(name)),
        )
    }

    /// The addresses of a name that may be connected to.
    fn filter(&self, name: &str, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
        if self.lets_host(name) {
            return Ok(addresses);
        }
        let (let_through, refused): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|one| self.lets(one.ip()));
        match refused.first() {
            Some(one) if let_through.is_empty() => {
                Err(Refused { host: name.to_string(), address: Some(one.ip()) })
            }
            _ => Ok(let_through),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
            let checked: Addrs = Box::new(guard.filter(name, found)?.into_iter());
            Ok(checked)
        })
    }
}

/// A host that must not be connected to.
#[derive(Debug, Clone, thiserror::Error)]
#[error("\"{host}\" is not of the public Internet")]
pub(crate) struct Refused {
    host: String,
    address: Option<IpAddr>,
}

impl Refused {
    pub(crate) fn failure(&self) -> Failure {
        let host = &self.host;
        let is = match self.address {
            Some(address) if address.to_string() != *host => {
                format!("\"{host}\" is at {address}, which is")
            }
            _ => format!("\"{host}\" is"),
        };
        let message = format!(
            "{is} a private, local or reserved address; if this server may fetch from it, its operator can start it with --pull-allow {host}"
        );
        Failure::new("address_refused", message).again(Again::Never)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(allowed: &[&str], urls: &[(&str, bool)]) {
        let allowed: Vec<Allowed> = allowed.iter().map(|text| text.parse().unwrap()).collect();
        let guard = Guard::new(&allowed);
        for (url, expected) in urls {
            assert_eq!(guard.check(&Url::parse(url).unwrap()).is_ok(), *expected, "{url}");
        }
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_connected_to() {
        check(
            &[],
            &[
                ("http://93.184.216.34/", true),
                ("https://[2606:4700::1111]/", true),
                ("http://0.0.0.0/", false),
                ("http://10.1.2.3/", false),
                ("http://100.64.0.1/", false),
                ("http://100.128.0.1/", true),
                ("http://127.0.0.1/", false),
                ("http://127.1/", false),
                ("http://2130706433/", false),
                ("http://0x7f.0.0.1/", false),
                ("http://169.254.169.254/latest/meta-data", false),
                ("http://172.15.0.1/", true),
                ("http://172.31.255.255/", false),
                ("http://172.32.0.1/", true),
                ("http://192.168.1.1/", false),
                ("http://192.0.2.1/", false),
                ("http://198.19.0.1/", false),
                ("http://224.0.0.1/", false),
                ("http://255.255.255.255/", false),
                ("http://[::]/", false),
                ("http://[::1]/", false),
                ("http://[::ffff:127.0.0.1]/", false),
                ("http://[::ffff:93.184.216.34]/", false),
                ("http://[::127.0.0.1]/", false),
                ("http://[64:ff9b::7f00:1]/", false),
                ("http://[64:ff9b:1::1]/", false),
                ("http://[2002:7f00:1::]/", false),
                ("http://[2001::1]/", false),
                ("http://[2001:db8::1]/", false),
                ("http://[3fff::1]/", false),
                ("http://[fc00::1]/", false),
                ("http://[fd12::1]/", false),
                ("http://[fe80::1]/", false),
                ("http://[fec0::1]/", false),
                ("http://[ff02::1]/", false),
            ],
        );
    }

    #[test]
    fn an_operator_allows_networks_addresses_and_hosts() {
        check(
            &["127.0.0.0/8", "10.0.0.7", "fd00::/8", "billing.internal"],
            &[
                ("http://127.9.9.9/", true),
                ("http://[::ffff:127.0.0.1]/", true),
                ("http://10.0.0.7/", true),
                ("http://10.0.0.8/", false),
                ("http://[fd00::1]/", true),
                ("http://[::1]/", false),
            ],
        );
        for text in ["", "10.0.0.0/33", "http://x", "a b", "x/y"] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_is_connected_to_at_the_addresses_that_may_be() {
        let guard = Guard::new(&["billing.internal".parse().unwrap()]);
        let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let (private, public) = (address("10.0.0.1"), address("93.184.216.34"));
        assert_eq!(guard.filter("a.example", vec![private, public]).unwrap(), [public]);
        assert_eq!(guard.filter("Billing.Internal.", vec![private]).unwrap(), [private]);
        let message = guard.filter("a.example", vec![private]).unwrap_err().failure().message;
        assert!(
            message.contains("\"a.example\" is at 10.0.0.1")
                && message.contains("--pull-allow a.example"),
            "{message}"
        );
    }

    #[test]
    fn only_http_without_a_user_in_the_url_is_fetched() {
        check(
            &[],
            &[
                ("ftp://example.com/", false),
                ("file:///etc/passwd", false),
                ("http://u:p@example.com/", false),
            ],
        );
        check(&[], &[("https://example.com/", true)]);
    }
}
