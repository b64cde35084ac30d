//! The time zone of timestamps that carry none.
//!
//! In: a name of the tz database, or `local`.  Out: the zone.  `local` is resolved to a name here, so that a ledger
//! made in summer is still of the same source in winter.

use super::Environment;
use chrono_tz::Tz;
use std::{fs, path::Path};

/// The zone of that name; `None` if there is none.
pub(super) fn named(name: &str, env: &Environment) -> Option<Tz> {
    if name == "local" { Some(local(env)) } else { name.parse().ok() }
}

/// The zone of this machine, found as the C library does (tzset(3)): `TZ`, then `/etc/localtime`, then UTC. Before
/// UTC, Debian's `/etc/timezone` is tried too, for machines where `/etc/localtime` is a copy and not a link.
fn local(env: &Environment) -> Tz {
    let of_link = || zone_of_path(&fs::read_link("/etc/localtime").ok()?);
    let of_debian = || fs::read_to_string("/etc/timezone").ok()?.trim().parse().ok();
    match env.get("TZ") {
        Some(name) => zone_of_path(Path::new(name.trim_start_matches(':'))).unwrap_or(Tz::UTC),
        None => of_link().or_else(of_debian).unwrap_or(Tz::UTC),
    }
}

/// Takes `/usr/share/zoneinfo/Europe/Berlin` as well as `Europe/Berlin`.
fn zone_of_path(path: &Path) -> Option<Tz> {
    let text = path.to_str()?;
    text.rsplit_once("zoneinfo/").map_or(text, |(_, name)| name).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, tz: &str, expected: Option<Tz>) {
        assert_eq!(named(name, &Environment::of([("TZ", tz)])), expected);
    }

    #[test]
    fn a_name_is_taken_as_it_is() {
        check("Europe/Berlin", "UTC", Some(Tz::Europe__Berlin));
        check("Europe/Nowhere", "UTC", None);
    }

    #[test]
    fn local_is_the_zone_of_the_environment() {
        check("local", "Asia/Tokyo", Some(Tz::Asia__Tokyo));
        check("local", ":/usr/share/zoneinfo/Asia/Tokyo", Some(Tz::Asia__Tokyo));
    }

    #[test]
    fn a_zone_without_a_name_is_utc() {
        check("local", "XYZ+3", Some(Tz::UTC));
    }
}
