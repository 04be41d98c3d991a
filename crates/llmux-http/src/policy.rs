//! Where requests may go.

use std::{
    error::Error as StdError,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use http::{Uri, uri::Scheme};
use llmux_core::{Error, ErrorKind, Result};

/// Which destinations a transport connects to. Only `http` and `https` URLs ever pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlPolicy {
    /// Any address: the URLs come from the operator.
    #[default]
    Trusted,
    /// Public addresses only: the URLs come from clients, who must not reach the operator's own network. Names
    /// are checked by what they resolve to, on every connection.
    ///
    /// Behind a proxy that resolves names itself only literal addresses can be checked here.
    PublicOnly,
}

impl UrlPolicy {
    /// Checks what can be seen in the URL itself.
    pub(crate) fn check(self, uri: &Uri) -> Result<()> {
        let scheme = uri.scheme();
        if scheme != Some(&Scheme::HTTP) && scheme != Some(&Scheme::HTTPS) {
            return Err(refused("only http and https URLs can be called"));
        }
        if self == Self::Trusted {
            return Ok(());
        }
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
            return Err(refused("the URL has no host"));
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(address) if !self.allows(address) => Err(refused(&Forbidden.to_string())),
            _ => Ok(()),
        }
    }

    /// Whether connections to this address may be opened.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Trusted => true,
            Self::PublicOnly => is_public(address),
        }
    }
}

/// A name that resolves to an address where the policy forbids to connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the URL leads to an address that is not public")
    }
}

impl StdError for Forbidden {}

pub(crate) fn refused(message: &str) -> Error {
    Error::client(ErrorKind::InvalidRequest, message).with_code("url_not_allowed")
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation();
    // This network, carrier-grade NAT, protocol assignments, benchmarking, reserved.
    let ranges = [(0, 0, 8), (100, 64, 10), (198, 18, 15), (240, 0, 4)];
    let within = |(first, second, bits): (u8, u8, u32)| {
        let prefix = u32::from(Ipv4Addr::new(first, second, 0, 0));
        (u32::from(address) ^ prefix) >> (32 - bits) == 0
    };
    !special && !ranges.into_iter().any(within) && !matches!(address.octets(), [192, 0, 0, _])
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let documentation = matches!(address.segments(), [0x2001, 0xdb8, ..]);
    // Global unicast is 2000::/3; everything else is local, reserved or multicast.
    matches!(address.segments(), [0x2000..=0x3fff, ..]) && !documentation
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64 or 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(policy: UrlPolicy, url: &str) -> bool {
        policy.check(&url.parse().unwrap()).is_ok()
    }

    #[test]
    fn only_http_and_https_urls_pass() {
        assert!(allowed(UrlPolicy::Trusted, "http://127.0.0.1:8000/v1"));
        for url in ["ftp://h/x", "file://h/x", "/v1/chat", "h:80"] {
            assert!(!allowed(UrlPolicy::Trusted, url), "{url}");
        }
    }

    #[test]
    fn addresses_of_the_own_network_are_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00::1]",
            "[ff02::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[::127.0.0.1]",
        ] {
            assert!(!allowed(UrlPolicy::PublicOnly, &format!("http://{host}/")), "{host}");
        }
    }

    #[test]
    fn public_addresses_and_names_pass() {
        for host in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "[2606:4700::1111]", "example.com"] {
            assert!(allowed(UrlPolicy::PublicOnly, &format!("https://{host}/")), "{host}");
        }
    }

    #[test]
    fn a_refused_url_is_the_clients_mistake() {
        let error = UrlPolicy::PublicOnly.check(&"http://10.0.0.1/?key=secret".parse().unwrap()).unwrap_err();
        assert_eq!((error.status().as_u16(), error.is_retryable()), (400, false));
        assert!(!format!("{error:?}").contains("secret"));
    }
}
