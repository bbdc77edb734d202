//! Which addresses a webhook may go to: the public ones, and ranges that the configuration names. Without this whoever may subscribe could make
//! the gateway knock at every door inside its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

/// A text that is no range of addresses.
#[derive(Debug, Error)]
#[error("`{0}` is no range of addresses, such as 10.1.2.0/24 or fd00::/8")]
pub struct NotARange(String);

/// Ranges beside the public addresses.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Vec<Range>);

impl Allowed {
    /// Reads ranges.
    ///
    /// # Errors
    /// The first text that is none.
    pub fn parse(ranges: &[String]) -> Result<Self, NotARange> {
        let read = |text: &String| Range::parse(text).ok_or_else(|| NotARange(text.clone()));
        Ok(Self(ranges.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// Whether a webhook may go to this address.
    pub fn may(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.0.iter().any(|range| range.holds(address))
    }
}

#[derive(Clone, Copy, Debug)]
struct Range {
    base: IpAddr,
    bits: u32,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (base, bits) = text.split_once('/')?;
        let base: IpAddr = base.parse().ok()?;
        let bits = bits.parse().ok()?;
        let width = match base {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        (bits <= width).then_some(Self { base, bits })
    }

    fn holds(self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let apart = base.to_bits() ^ address.to_bits();
                apart.leading_zeros() >= self.bits
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let apart = base.to_bits() ^ address.to_bits();
                apart.leading_zeros() >= self.bits
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        // Shared by carriers, protocol assignments, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Only 2000::/3 is given out; in it are ways to an IPv4 address (6to4, Teredo) and what is for documents.
    let given_out = segments[0] & 0xe000 == 0x2000;
    let special = segments[0] == 0x2002
        || (segments[0] == 0x2001 && segments[1] < 0x200)
        || (segments[0] == 0x2001 && segments[1] == 0xdb8)
        || segments[0] & 0xfff0 == 0x3ff0;
    given_out && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_and_named_ranges_are_open() {
        let none = Allowed::default();
        for public in ["1.1.1.1", "223.5.5.5", "2400:3200::1", "2606:4700::1111"] {
            assert!(none.may(public.parse().unwrap()), "{public}");
        }
        for inside in [
            "127.0.0.1",
            "10.0.0.8",
            "172.16.3.4",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.8",
            "64:ff9b::a00:8",
            "2002:a00:8::1",
            "2001::1",
            "ff02::1",
        ] {
            assert!(!none.may(inside.parse().unwrap()), "{inside}");
        }
        let ranges = ["127.0.0.0/8", "10.1.2.0/24", "fd00:1::/32"].map(str::to_owned);
        let some = Allowed::parse(&ranges).unwrap();
        for (address, may) in [
            ("127.0.0.1", true),
            ("10.1.2.200", true),
            ("10.1.3.1", false),
            ("fd00:1::9", true),
            ("fd00:2::9", false),
            ("::1", false),
            ("::ffff:127.0.0.1", true),
        ] {
            assert_eq!(some.may(address.parse().unwrap()), may, "{address}");
        }
        for wrong in ["10.0.0.1", "10.0.0.0/33", "hook.example/8", ""] {
            assert!(Allowed::parse(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
