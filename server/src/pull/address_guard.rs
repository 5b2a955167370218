//! Protects internal hosts from pulls (SSRF): a pull connects to the public Internet, and to the
//! destinations that the operator allows.
//!
//! A user configures the endpoint, but the server may reach hosts that the user must not: itself,
//! the cloud's metadata service, its network. Host names are resolved first, and the connection is
//! made to an address that was checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::sync_failure::{Retry, SyncFailure};
use crate::config::AllowedDestination;

/// IPv4 networks outside the public Internet: the IANA special-purpose registry, and multicast.
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

/// The IPv6 network of global unicast. It excludes mapped and translated IPv4 addresses
/// (::ffff:0:0/96, 64:ff9b::/96).
const PUBLIC_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Networks in it outside the public Internet: protocols with Teredo, documentation, 6to4,
/// documentation.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address belongs to the public Internet.
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

/// Decides which destinations a pull may connect to.
#[derive(Debug, Clone)]
pub(super) struct AddressGuard(Arc<Vec<AllowedDestination>>);

impl AddressGuard {
    pub(super) fn new(allowed: Vec<AllowedDestination>) -> AddressGuard {
        AddressGuard(Arc::new(allowed))
    }

    /// Rejects a URL that is not HTTP, or whose host is a forbidden address. A host name is checked
    /// when it is resolved.
    pub(super) fn check(&self, url: &Url) -> Result<(), SyncFailure> {
        if !matches!(url.scheme(), "http" | "https") {
            let message = format!(
                "\"{}\" is not a scheme that can be fetched; use http or https",
                url.scheme()
            );
            return Err(SyncFailure::new("url_refused", message).at(url));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let message =
                "a URL with a user or password cannot be fetched; configure them as authentication";
            return Err(SyncFailure::new("url_refused", message).at(url));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => {
                return Err(
                    SyncFailure::new("url_refused", "the URL has no host; name one").at(url)
                );
            }
        };
        if self.allows(address) {
            return Ok(());
        }
        Err(RefusedAddress { host: address.to_string(), address: Some(address) }.failure().at(url))
    }

    /// Whether an address may be connected to.
    fn allows(&self, address: IpAddr) -> bool {
        // An IPv4 network also allows the mapped IPv6 form of its addresses.
        let canonical = address.to_canonical();
        let is_allowed = |allowed: &AllowedDestination| match allowed {
            AllowedDestination::Net(net) => net.contains(&canonical) || net.contains(&address),
            AllowedDestination::Host(_) => false,
        };
        is_public(address) || self.0.iter().any(is_allowed)
    }

    fn allows_host(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        let is_allowed = |allowed: &AllowedDestination| match allowed {
            AllowedDestination::Host(host) => host.eq_ignore_ascii_case(name),
            AllowedDestination::Net(_) => false,
        };
        self.0.iter().any(is_allowed)
    }

    /// The addresses of a host name to which a pull may connect.
    fn filter(
        &self,
        name: &str,
        addresses: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, RefusedAddress> {
        if self.allows_host(name) {
            return Ok(addresses);
        }
        let (allowed, refused): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|one| self.allows(one.ip()));
        match refused.first() {
            Some(one) if allowed.is_empty() => {
                Err(RefusedAddress { host: name.to_string(), address: Some(one.ip()) })
            }
            _ => Ok(allowed),
        }
    }
}

impl Resolve for AddressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
            let allowed: Addrs = Box::new(guard.filter(name, addresses)?.into_iter());
            Ok(allowed)
        })
    }
}

/// A host to which pulls must not connect.
#[derive(Debug, Clone, thiserror::Error)]
#[error("\"{host}\" is not on the public Internet")]
pub(super) struct RefusedAddress {
    host: String,
    address: Option<IpAddr>,
}

impl RefusedAddress {
    pub(super) fn failure(&self) -> SyncFailure {
        let host = &self.host;
        let host_is = match self.address {
            Some(address) if address.to_string() != *host => {
                format!("\"{host}\" is at {address}, which is")
            }
            _ => format!("\"{host}\" is"),
        };
        let message = format!(
            "{host_is} a private, local or reserved address; if this server may fetch from it, its \
             operator can start it with --pull-allow {host}"
        );
        SyncFailure::new("address_refused", message).with_retry(Retry::Never)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(allowed: &[&str], urls: &[(&str, bool)]) {
        let allowed: Vec<AllowedDestination> =
            allowed.iter().map(|text| text.parse().unwrap()).collect();
        let guard = AddressGuard::new(allowed);
        for (url, expected) in urls {
            assert_eq!(guard.check(&Url::parse(url).unwrap()).is_ok(), *expected, "{url}");
        }
    }

    #[test]
    fn only_public_addresses_are_allowed_by_default() {
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
    fn operator_can_allow_networks_addresses_and_hosts() {
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
    }

    #[test]
    fn resolved_addresses_are_filtered() {
        let guard = AddressGuard::new(vec!["billing.internal".parse().unwrap()]);
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
    fn only_http_urls_without_a_user_are_allowed() {
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
