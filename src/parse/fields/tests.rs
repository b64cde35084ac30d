use super::*;
use proptest::prelude::*;

#[test]
fn unknown_and_paths_are_no_addresses() {
    let (p, rest) = peer("unknown[192.0.2.1]:25: x").unwrap();
    assert_eq!((p.name, p.addr, p.port, rest), (None, Some("192.0.2.1"), Some(25), ": x"));
    let (p, rest) = peer("mx.example.org[private/lmtp]; y").unwrap();
    assert_eq!((p.name, p.addr, p.port, rest), (Some("mx.example.org"), None, None, "; y"));
    let (p, _) = peer("a[fe80::1%eth0]:99999").unwrap();
    assert_eq!((p.addr, p.port), (Some("fe80::1"), None));
    assert!(peer("a b[192.0.2.1]").is_none());
    assert!(peer("a[192.0.2.1").is_none());
}

#[test]
fn an_address_may_hold_its_closing_bracket() {
    assert_eq!(angle("\"a>, relay=x\"@b>, relay=y", &[", relay="]), ("\"a>, relay=x\"@b", ", relay=y"));
    assert_eq!(angle("a>b@c>, relay=y", &[", relay="]), ("a>b@c", ", relay=y"));
    assert_eq!(angle("a@b> new=1", &[", relay="]), ("a@b", " new=1"));
    assert_eq!(angle("cut@exam", &[", relay="]), ("cut@exam", ""));
    assert_eq!(angle("\"open> quote", &[]), ("\"open", " quote"));
}

#[test]
fn replies_split_into_code_status_and_text() {
    assert_eq!(reply("550 5.1.1 no such user"), (Some(550), Some("5.1.1"), "no such user"));
    assert_eq!(reply("550-5.7.1 first"), (Some(550), Some("5.7.1"), "first"));
    assert_eq!(reply("5.7.1 spam"), (None, Some("5.7.1"), "spam"));
    assert_eq!(reply("250 OK"), (Some(250), None, "OK"));
    assert_eq!(reply("5.7 no"), (None, None, "5.7 no"));
    assert_eq!(reply("1234 x"), (None, None, "1234 x"));
    assert_eq!(reply("€ 5"), (None, None, "€ 5"));
}

#[test]
fn seconds_are_plain_decimals() {
    assert_eq!(seconds("0.05"), Some(0.05));
    for text in ["inf", "1e9", "", ".", "1.2.3", "-1", "+1", "1 "] {
        assert_eq!(seconds(text), None, "{text}");
    }
    assert_eq!(seconds(&"9".repeat(400)), None, "infinite, and no JSON could hold it");
    assert_eq!((number("+1"), number(""), number("12")), (None, None, Some(12)));
}

proptest! {
    #[test]
    fn seconds_are_what_the_library_reads(text in "[0-9]{0,12}\\.?[0-9]{0,12}") {
        prop_assert_eq!(seconds(&text), text.parse().ok().filter(|s| *s < 1e10));
    }

    #[test]
    fn ipv4_addresses_are_what_the_library_reads(text in "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{0,4}\\.?[0-9]{1,3}\\.?") {
        prop_assert_eq!(is_ipv4(&text), text.parse::<std::net::Ipv4Addr>().is_ok());
    }
}

#[test]
fn a_port_has_sixteen_bits() {
    for (text, port, after) in [
        ("[192.0.2.1]:65535 x", Some(65535), " x"),
        ("[192.0.2.1]:65536 x", None, ":65536 x"),
        ("[192.0.2.1]: x", None, ": x"),
    ] {
        let (p, rest) = peer(text).unwrap();
        assert_eq!((p.name, p.addr, p.port, rest), (None, Some("192.0.2.1"), port, after), "{text}");
    }
}

#[test]
fn an_ipv4_address_is_four_numbers_without_leading_zeros() {
    for text in ["192.0.2.1", "0.0.0.0", "255.255.255.255"] {
        assert!(is_ipv4(text), "{text}");
    }
    for text in ["192.0.2.256", "192.0.2.01", "192.0..1", ".0.2.1", "192.0.2", "192.0.2.", "192.0.2.1.5", "a.b.c.d", ""]
    {
        assert!(!is_ipv4(text), "{text}");
    }
}

#[test]
fn a_text_is_split_at_the_first_word() {
    assert_eq!((find("a, b, c", ", "), find("a,b", ", "), find("a", "")), (Some(1), None, None));
    assert_eq!(split("a,b, c, d", ", "), Some(("a,b", "c, d")));
    assert_eq!((split_at_byte("a/b/c", b'/'), split_at_byte("a", b'/')), (Some(("a", "b/c")), None));
}

#[test]
fn a_value_ends_at_the_first_of_its_ends() {
    assert_eq!(until("a b:c", &[":", " "]), ("a", " b:c"));
    assert_eq!(until("a, b, delay=1, relay=2", &[", relay=", ", delay="]), ("a, b", ", delay=1, relay=2"));
    assert_eq!(until("a, b", &[", relay="]), ("a, b", ""));
    assert_eq!(until("a", &[]), ("a", ""));
}

#[test]
fn a_quoted_string_ends_at_its_own_quote() {
    assert_eq!(quoted_len(r#""a"b"#), 3);
    assert_eq!(quoted_len(r#""a\"b"c"#), 6);
    assert_eq!(quoted_len(r#""a\\"c"#), 5);
    assert_eq!((quoted_len(r#""open"#), quoted_len(r#"a"b""#), quoted_len("\"")), (0, 0, 0));
}

#[test]
fn an_address_without_an_end_that_fits_ends_at_its_first_bracket() {
    assert_eq!(angle("a>b>c", &[", relay="]), ("a", "b>c"));
    assert_eq!(angle("a>b>", &[", relay="]), ("a>b", ""));
}

#[test]
fn a_number_is_one_that_the_store_can_hold() {
    assert_eq!(number("9223372036854775807"), Some(9_223_372_036_854_775_807));
    assert_eq!((number("9223372036854775808"), number("99999999999999999999")), (None, None));
}

#[test]
fn seconds_are_no_more_than_a_lifetime() {
    assert_eq!((seconds("9999999999.9"), seconds("10000000000")), (Some(9_999_999_999.9), None));
    assert_eq!(
        (seconds("1234567890.1234"), seconds("1234567890.12345")),
        (Some(1234567890.1234), Some(1234567890.12345))
    );
    assert_eq!((seconds("0.00000000000000000001e9"), seconds("0.0000000000000.1")), (None, None));
    assert_eq!((seconds("5."), seconds(".5")), (Some(5.0), Some(0.5)));
}

#[test]
fn a_code_is_three_digits_from_2_to_5() {
    for text in ["199 x", "600 x", "55", "5505 x", "550x", "+50 x", ""] {
        assert_eq!(reply(text), (None, None, text), "{text}");
    }
    assert_eq!((reply("200"), reply("599 ")), ((Some(200), None, ""), (Some(599), None, "")));
    assert_eq!(reply("  250 2.1.5"), (Some(250), Some("2.1.5"), ""));
}

#[test]
fn an_enhanced_status_is_a_class_and_two_numbers_of_up_to_three_digits() {
    assert_eq!(dsn("4.123.456 x y"), Some(("4.123.456", "x y")));
    assert_eq!(dsn("2.0.0"), Some(("2.0.0", "")));
    for text in
        ["3.1.1 x", "5.1234.1 x", "5.1.1234 x", "5..1 x", "5.1. x", "5.1x1 x", "5.1.1x", "5.", "5", "5-1.1 x", ""]
    {
        assert_eq!(dsn(text), None, "{text}");
    }
}
