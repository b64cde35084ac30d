//! Clients and relays as log lines name them, and which of them may be one host.
//!
//! In: names and addresses of clients and relays.  Out: the first label, as hosts are named in logs, and the house,
//! which is the registered domain. A stranger can call his server `mx1.evil.example`, but he cannot have a name in a
//! domain that is not his.

use crate::model::Text;
use std::net::IpAddr;

/// A client or a relay.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// First label of its name, in lower case.
    pub label: Option<Text>,
    /// The registered domain of a full name; the last label if names there cannot be registered (`mx1.lan`).
    pub house: Option<Text>,
    pub ip: Option<IpAddr>,
}

impl Place {
    pub fn new(name: Option<&str>, ip: Option<&str>) -> Self {
        let name = name.map(|n| n.trim_end_matches('.').to_ascii_lowercase());
        // A relay without a name is logged with its address as the name.
        let name = name.filter(|n| !n.is_empty() && n != "localhost" && n.parse::<IpAddr>().is_err());
        Self {
            label: name.as_deref().map(first_label),
            house: name.as_deref().and_then(house),
            ip: ip.and_then(|ip| ip.parse().ok()).map(|ip: IpAddr| ip.to_canonical()),
        }
    }

    pub fn is_loopback(&self) -> bool {
        self.ip.is_some_and(|ip| ip.is_loopback())
    }

    /// Whether neither its name nor its address is known.
    pub fn is_unknown(&self) -> bool {
        self.label.is_none() && self.ip.is_none()
    }

    /// Whether both are of one house; `None` if one of them has no full name.
    pub fn is_of_house(&self, other: &Self) -> Option<bool> {
        Some(self.house.as_ref()? == other.house.as_ref()?)
    }
}

fn first_label(name: &str) -> Text {
    Text::from(name.split('.').next().unwrap_or(name))
}

/// The registered domain of a name; `None` if it is not a full name.
pub fn house(name: &str) -> Option<Text> {
    let (_, last) = name.rsplit_once('.')?;
    let is_public = psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known());
    let house = if is_public { psl::domain_str(name).unwrap_or(name) } else { last };
    Some(house.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_is_what_somebody_registered() {
        for (name, expected) in [
            ("mx1.example.org", Some("example.org")),
            ("a.int.example.org", Some("example.org")),
            ("mx1.evil.co.uk", Some("evil.co.uk")),
            ("mx1.bbc.co.uk", Some("bbc.co.uk")),
            ("mx1.lan", Some("lan")),
            ("ip-10-0-0-5.ec2.internal", Some("internal")),
            ("mx1", None),
        ] {
            assert_eq!(house(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn an_address_is_no_name_but_a_number_before_a_domain_is() {
        assert_eq!(Place::new(Some("192.0.2.1"), Some("192.0.2.1")).label, None);
        assert_eq!(Place::new(Some("localhost"), Some("127.0.0.1")).label, None);
        assert_eq!(Place::new(Some("10.evil.example"), None).label.as_deref(), Some("10"));
        assert_eq!(Place::new(Some("localhost.evil.example"), None).label.as_deref(), Some("localhost"));
        assert!(Place::new(None, Some("::ffff:127.0.0.1")).is_loopback());
    }

    #[test]
    fn a_place_is_unknown_only_without_name_and_address() {
        for (name, ip, expected) in [
            (None, None, true),
            (Some("localhost"), None, true),
            (Some("mx1.example.org"), None, false),
            (None, Some("192.0.2.1"), false),
            (Some("mx1.example.org"), Some("192.0.2.1"), false),
        ] {
            assert_eq!(Place::new(name, ip).is_unknown(), expected, "{name:?} {ip:?}");
        }
    }

    #[test]
    fn loopback_is_an_address_of_that_net_and_no_other() {
        for (ip, expected) in
            [(Some("127.0.0.2"), true), (Some("::1"), true), (Some("192.0.2.1"), false), (Some("2001:db8::1"), false)]
        {
            assert_eq!(Place::new(Some("mx1.example.org"), ip).is_loopback(), expected, "{ip:?}");
        }
        assert!(!Place::new(Some("mx1.example.org"), None).is_loopback());
    }

    #[test]
    fn houses_are_compared_where_both_names_are_full() {
        let house_of = |a, b| Place::new(Some(a), None).is_of_house(&Place::new(Some(b), None));
        assert_eq!(house_of("mx1.example.org", "a.int.Example.ORG."), Some(true));
        assert_eq!(house_of("mx1.example.org", "mx1.example.net"), Some(false));
        assert_eq!(house_of("mx1", "mx1.example.org"), None);
        assert_eq!(house_of("mx1.example.org", "mx1"), None);
    }
}
