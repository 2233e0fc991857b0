//! Networks, and the zones that hold the names of their addresses.

use super::{DnsError, DomainName};
use serde::Deserialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network such as `10.87.240.0/24`: what comes after the prefix is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

/// How the zone of an IPv4 network is called that is smaller than a /24 (RFC 2317).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Classless {
    /// `128/25.2.0.192.in-addr.arpa.`, as the standard's examples.
    #[default]
    Slash,
    /// `128-25.2.0.192.in-addr.arpa.`, for those who name files after zones.
    Dash,
    /// The /24 around it: for who serves that one himself.
    Whole,
}

impl Prefix {
    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && Self::new(address, self.length) == *self
    }

    /// The network around an address, which has at least this length.
    fn new(address: IpAddr, length: u8) -> Self {
        let address = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                Ipv4Addr::from_bits(v4.to_bits() & mask).into()
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                Ipv6Addr::from_bits(v6.to_bits() & mask).into()
            }
        };
        Self { address, length }
    }

    /// Bits that one label of a reverse name stands for.
    fn step(&self) -> u8 {
        if self.address.is_ipv4() { 8 } else { 4 }
    }

    fn is_classless(&self) -> bool {
        self.address.is_ipv4() && (25..=31).contains(&self.length)
    }

    /// The networks whose ends are ends of labels, and which make this one up: itself, or up to 128.
    fn parts(&self) -> Vec<Self> {
        let length = self.length.next_multiple_of(self.step());
        let part = |number: u128| {
            let address = match self.address {
                IpAddr::V4(v4) => {
                    Ipv4Addr::from_bits(v4.to_bits() | (number as u32).checked_shl(32 - u32::from(length)).unwrap_or(0))
                        .into()
                }
                IpAddr::V6(v6) => {
                    Ipv6Addr::from_bits(v6.to_bits() | number.checked_shl(128 - u32::from(length)).unwrap_or(0)).into()
                }
            };
            Self { address, length }
        };
        (0..1 << (length - self.length)).map(part).collect()
    }

    /// The zones that hold its names, each with the network it is for.
    ///
    /// Their ends are ends of octets (IPv4) or of hexadecimal digits (IPv6): a network in between takes several, up to
    /// 128. Smaller than a /24 it takes one, after RFC 2317.
    ///
    /// Spec: RFC 1035, 3.5; RFC 3596, 2.5; RFC 2317, 4.
    pub fn zones(&self, classless: Classless) -> Vec<(DomainName, Prefix)> {
        if !self.is_classless() {
            return self.parts().into_iter().map(|part| (part.zone(), part)).collect();
        }
        let around = Self::new(self.address, 24);
        let sign = match classless {
            Classless::Slash => '/',
            Classless::Dash => '-',
            Classless::Whole => return vec![(around.zone(), around)],
        };
        let IpAddr::V4(first) = self.address else { unreachable!("only IPv4 is classless") };
        let name = format!("{}{sign}{}.{}", first.octets()[3], self.length, around.zone());
        vec![(DomainName::absolute(&name).expect("a short name"), *self)]
    }

    /// The zone of a network that ends with a label.
    fn zone(&self) -> DomainName {
        let labels = usize::from(self.length / self.step());
        let whole = reverse_labels(self.address);
        let (digits, end) = whole.split_at(whole.len() - 2);
        let name = [&digits[digits.len() - labels..], end].concat().join(".");
        DomainName::absolute(&name).expect("a short name")
    }

    /// The owner of the name of an address in one of its zones.
    pub(super) fn owner(zone: &DomainName, address: IpAddr) -> DomainName {
        let name = reverse_name(address);
        match (name.is_in(zone), address) {
            (false, IpAddr::V4(v4)) => DomainName::within(&v4.octets()[3].to_string(), zone).expect("a short name"),
            _ => name,
        }
    }

    /// What the zone of the /24 around a classless network has for it: the alias of every address, without its owner's
    /// zone, and the name servers. Nothing for other networks.
    pub(super) fn delegation(&self, zone: &DomainName, servers: &[DomainName]) -> Option<String> {
        let around = Self::new(self.address, 24).zone();
        if !self.is_classless() || *zone == around {
            return None;
        }
        let IpAddr::V4(first) = self.address else { unreachable!("only IPv4 is classless") };
        let last = first.octets()[3];
        let below = zone.relative_to(&around);
        let aliases = (0..1_u32 << (32 - self.length)).map(|at| u32::from(last) + at);
        let servers = servers.iter().map(|server| format!("{below} IN NS {server}\n"));
        Some(servers.chain(aliases.map(|at| format!("{at} IN CNAME {at}.{below}\n"))).collect())
    }
}

/// The labels of the reverse name of an address.
fn reverse_labels(address: IpAddr) -> Vec<String> {
    let (mut labels, end): (Vec<String>, &str) = match address {
        IpAddr::V4(v4) => (v4.octets().iter().map(u8::to_string).collect(), "in-addr"),
        IpAddr::V6(v6) => (format!("{:032x}", v6.to_bits()).chars().map(String::from).collect(), "ip6"),
    };
    labels.reverse();
    labels.extend([end.to_owned(), "arpa".to_owned()]);
    labels
}

/// The name that the PTR records of an address stand under: `1.240.87.10.in-addr.arpa.`
pub fn reverse_name(address: IpAddr) -> DomainName {
    DomainName::absolute(&reverse_labels(address).join(".")).expect("a short name")
}

impl FromStr for Prefix {
    type Err = DnsError;

    /// Reads `ADDRESS/LENGTH`, where the address may be any of the network, or an address alone.
    fn from_str(text: &str) -> Result<Self, DnsError> {
        let wrong = || {
            DnsError::wrong(format!("`{text}` is no network"))
                .hinted("write one as `10.87.240.0/24` or `fd00:87:240::/64`")
        };
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => most,
            Some(length) if length.bytes().all(|b| b.is_ascii_digit()) => length.parse().map_err(|_| wrong())?,
            Some(_) => return Err(wrong()),
        };
        if length > most { Err(wrong()) } else { Ok(Self::new(address, length)) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn zones(text: &str, classless: Classless) -> Vec<String> {
        let prefix: Prefix = text.parse().expect(text);
        prefix.zones(classless).into_iter().map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn networks_have_the_zones_of_the_standards() {
        for (network, name) in [
            ("10.87.240.1/24", "240.87.10.in-addr.arpa."),
            ("10.88.0.1/16", "88.10.in-addr.arpa."),
            ("10.1.2.3/8", "10.in-addr.arpa."),
            ("0.0.0.0/0", "in-addr.arpa."),
            ("192.0.2.7", "7.2.0.192.in-addr.arpa."),
            ("192.0.2.77/26", "64/26.2.0.192.in-addr.arpa."),
            ("192.0.2.0/31", "0/31.2.0.192.in-addr.arpa."),
            ("fd00:87:240::1/64", "0.0.0.0.0.4.2.0.7.8.0.0.0.0.d.f.ip6.arpa."),
            ("2001:db8:1::/48", "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."),
            ("::/0", "ip6.arpa."),
        ] {
            assert_eq!(zones(network, Classless::Slash), [name], "{network}");
        }
        assert_eq!(zones("192.0.2.128/25", Classless::Dash), ["128-25.2.0.192.in-addr.arpa."]);
        assert_eq!(zones("192.0.2.128/25", Classless::Whole), ["2.0.192.in-addr.arpa."]);
        assert_eq!(zones("10.0.6.0/23", Classless::Slash), ["6.0.10.in-addr.arpa.", "7.0.10.in-addr.arpa."]);
        assert_eq!(zones("172.16.0.0/12", Classless::Slash).len(), 16);
        assert_eq!(zones("172.16.0.0/12", Classless::Slash)[15], "31.172.in-addr.arpa.");
        assert_eq!(zones("2001:db8::/30", Classless::Slash).len(), 4);
        assert_eq!(zones("128.0.0.0/1", Classless::Slash).len(), 128);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in ["", "10.0.0.0/33", "10.0.0/24", "fd00::/129", "fd00::/", "10.0.0.0/+8", "10.0.0.0/24/1", "a/8"] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_classless_network_is_delegated_by_the_one_around_it() {
        let prefix: Prefix = "192.0.2.4/30".parse().expect("a network");
        let (zone, part) = prefix.zones(Classless::Slash).remove(0);
        let server = DomainName::absolute("ns.example").expect("a name");
        let text = part.delegation(&zone, &[server]).expect("classless");
        assert_eq!(
            text,
            "4/30 IN NS ns.example.\n4 IN CNAME 4.4/30\n5 IN CNAME 5.4/30\n6 IN CNAME 6.4/30\n7 IN CNAME 7.4/30\n"
        );
        assert_eq!(Prefix::owner(&zone, "192.0.2.5".parse().expect("one")).to_string(), "5.4/30.2.0.192.in-addr.arpa.");
    }

    fn address() -> impl Strategy<Value = (IpAddr, u8)> {
        let v4 = (any::<u32>(), 0..=32_u8).prop_map(|(bits, length)| (Ipv4Addr::from_bits(bits).into(), length));
        let v6 = (any::<u128>(), 0..=128_u8).prop_map(|(bits, length)| (Ipv6Addr::from_bits(bits).into(), length));
        prop_oneof![v4, v6]
    }

    proptest! {
        /// An address is in exactly one zone of its network, and in none of another network.
        #[test]
        fn every_address_of_a_network_has_one_zone((address, length) in address(), other in address()) {
            let prefix = Prefix::new(address, length);
            prop_assert!(prefix.contains(address));
            let zones = prefix.zones(Classless::Slash);
            prop_assert!(!zones.is_empty() && zones.len() <= 128);
            let of = |address| zones.iter().filter(|(_, part)| part.contains(address)).count();
            prop_assert_eq!(of(address), 1);
            prop_assert_eq!(of(other.0), usize::from(prefix.contains(other.0)));
            for (name, part) in &zones {
                prop_assert!(prefix.contains(part.address));
                let owner = Prefix::owner(name, part.address);
                prop_assert!(owner.is_in(name));
                if !prefix.is_classless() {
                    prop_assert_eq!(owner, reverse_name(part.address));
                }
            }
        }

        /// A reverse name read backwards is the address again.
        #[test]
        fn a_reverse_name_tells_its_address((address, _) in address()) {
            let name = reverse_name(address).to_string();
            let mut labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
            prop_assert_eq!(labels.pop(), Some("arpa"));
            let kind = labels.pop();
            labels.reverse();
            let read: IpAddr = match kind {
                Some("in-addr") => labels.join(".").parse::<Ipv4Addr>().expect("four octets").into(),
                _ => Ipv6Addr::from_bits(u128::from_str_radix(&labels.concat(), 16).expect("32 digits")).into(),
            };
            prop_assert_eq!(read, address);
        }
    }
}
