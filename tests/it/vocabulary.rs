//! The words that all services share: names, markers, secrets, times.

use std::time::{Duration, UNIX_EPOCH};

use access_tokens::{DateText, Expiry, Marker, Secret, Service, UnixMillis, UnixSeconds, When};

#[test]
fn a_service_is_read_by_its_name_however_it_is_written() {
    for name in [
        "Query Server",
        "query-server",
        "QUERY_SERVER",
        "queryserver",
    ] {
        assert_eq!(name.parse(), Ok(Service::QUERY_SERVER), "{name}");
    }
    assert_eq!("Avisi Cloud".parse(), Ok(Service::AVISI_CLOUD));
    for name in ["", "Query", "Query Server 2"] {
        assert!(name.parse::<Service>().is_err(), "{name}");
    }
}

#[test]
fn a_marker_comes_back_out_of_a_text() {
    let (first, second) = (Marker::random(), Marker::random().attempt(17));
    assert_ne!(first, second);
    for text in [
        "",
        "x",
        "an at~",
        "at~short",
        "x at~ABCDEFGHIJKLMNOP",
        "marker:production",
    ] {
        for marked in [first.appended_to(text), first.appended_after(text, '-')] {
            assert_eq!(Marker::in_text(&marked), Some(first.clone()), "{marked}");
            assert_eq!(Marker::stripped(&marked), text);
            // A second one takes the place of the first.
            assert_eq!(Marker::stripped(&second.appended_to(&marked)), text);
        }
    }
    for text in [
        "xat~abcdefgh12345678",
        "at~abcdefgh12345678 and more",
        "at~abcdefgh12345678.",
        "at~abcdefgh12345678.01",
        "at~abcdefgh12345678.+1",
        "at~abcdefgh12345678.1.2",
    ] {
        assert_eq!(Marker::in_text(text), None, "{text}");
        assert_eq!(Marker::stripped(text), text);
    }
}

#[test]
fn attempts_of_one_owner_differ_by_their_number() {
    let owner = Marker::random();
    let third = owner.attempt(2).attempt(3);
    assert_eq!((third.owner(), third.number()), (owner.as_str(), Some(3)));
    assert_eq!(owner.number(), None);
    assert_eq!(third.to_string().parse(), Ok(third));
}

#[test]
fn a_secret_prints_redacted_and_compares_by_value() {
    let secret = Secret::new("canary");
    assert_eq!(format!("{secret:?}"), "Secret([redacted])");
    assert_eq!(format!("{:#?}", Some(&secret)).matches("canary").count(), 0);
    assert_eq!(secret, Secret::from("canary"));
    assert_ne!(secret, Secret::from("canarz"));
    assert_ne!(secret, Secret::from("canary "));
}

#[test]
fn decoding_something_else_does_not_quote_it() {
    for body in [
        "918273645",
        "true",
        "1.25",
        "[\"918273645\"]",
        "{\"918273645\":1}",
        "null",
    ] {
        let error = serde_json::from_str::<Secret>(body)
            .unwrap_err()
            .to_string();
        assert!(!error.contains("918273645"), "{error}");
        assert!(!error.contains("1.25"), "{error}");
    }
}

#[test]
fn an_expiry_is_read_from_what_it_is_written_as() {
    for (text, expiry) in [
        ("never", Expiry::Never),
        ("90d", Expiry::In(Duration::from_secs(90 * 86_400))),
        ("36h", Expiry::In(Duration::from_secs(36 * 3_600))),
        (
            "1970-01-02T00:00:00Z",
            Expiry::At(UNIX_EPOCH + Duration::from_secs(86_400)),
        ),
    ] {
        assert_eq!(text.parse(), Ok(expiry));
        assert_eq!(expiry.to_string(), text);
        let json = serde_json::to_string(&expiry).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Expiry>(&json).unwrap(), expiry);
    }
    for text in ["", "0d", "soon", "90", "-1d", "Never", "2026-02-03"] {
        assert!(text.parse::<Expiry>().is_err(), "{text}");
    }
    let far = Expiry::At(UNIX_EPOCH + Duration::from_secs(1 << 40));
    assert!(serde_json::to_string(&far).is_err());
    assert!(serde_json::from_str::<Expiry>("90").is_err());
}

#[test]
fn units_are_what_they_say() {
    let millis = UnixMillis::new(1_759_312_800_123);
    let seconds = UnixSeconds::new(1_759_312_800);
    assert_eq!(
        millis.to_system_time().unwrap(),
        seconds.to_system_time().unwrap() + Duration::from_millis(123)
    );
    assert_eq!(
        UnixMillis::from_system_time(millis.to_system_time().unwrap()),
        Some(millis)
    );
    assert_eq!(
        UnixSeconds::from_system_time(millis.to_system_time().unwrap()),
        Some(seconds)
    );
}

#[test]
fn numbers_and_numeric_strings_are_read_and_numbers_written() {
    for body in ["1628001602644", "\"1628001602644\""] {
        let time: UnixMillis = serde_json::from_str(body).unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), "1628001602644");
    }
    assert_eq!(
        serde_json::from_str::<UnixSeconds>("1628001602.9")
            .unwrap()
            .get(),
        1_628_001_602
    );
    let of = |body| serde_json::from_str::<UnixSeconds>(body).unwrap().get();
    assert_eq!(of("\"2026-02-03T10:11:12Z\""), 1_770_113_472);
    for (body, kept) in [
        ("1e300", i64::MAX),
        ("-1e300", i64::MIN),
        ("18446744073709551616", i64::MAX),
        ("9223372036854775808", i64::MAX),
        ("-1.5", -1),
    ] {
        assert_eq!(of(body), kept, "{body}");
    }
    assert!(serde_json::from_str::<UnixMillis>("\"soon\"").is_err());
    assert!(serde_json::from_str::<UnixMillis>("true").is_err());
}

#[test]
fn the_ends_of_the_range_do_not_panic() {
    for value in [i64::MIN, -1, 0, 1, i64::MAX] {
        let (millis, seconds) = (UnixMillis::new(value), UnixSeconds::new(value));
        let _ = (millis.to_string(), seconds.to_string());
        let _ = (millis.to_system_time(), seconds.to_system_time());
    }
    assert_eq!(UnixSeconds::new(i64::MAX).to_string(), i64::MAX.to_string());
}

#[test]
fn dates_as_text_keep_their_text() {
    let offset = DateText::new("2026-02-03T11:11:12+01:00");
    let utc = DateText::new("2026-02-03T10:11:12Z");
    assert_eq!(offset.parse().unwrap(), utc.parse().unwrap());
    assert_eq!(offset.as_str(), "2026-02-03T11:11:12+01:00");
    assert_eq!(DateText::new(" ").parse(), Ok(None));
    assert!(DateText::new("03.02.2026").parse().is_err());
}

#[test]
fn an_absurd_number_is_no_fact() {
    for absurd in [i64::MIN, -1, 0, 1, i64::MAX] {
        assert_eq!(UnixMillis::new(absurd).to_when(), When::NotReported);
        assert_eq!(UnixSeconds::new(absurd).to_when(), When::NotReported);
    }
    // Seconds taken for milliseconds, and the other way round.
    assert_eq!(UnixMillis::new(1_759_312_800).to_when(), When::NotReported);
    let seconds = UnixSeconds::new(1_759_312_800_123);
    assert_eq!(seconds.to_when(), When::NotReported);
    assert!(UnixMillis::new(1_759_312_800_123).to_when().is_reported());
    for absurd in [
        "",
        "soon",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "+12345-01-01T00:00:00Z",
    ] {
        assert_eq!(DateText::new(absurd).to_when(), When::NotReported);
    }
    let last = DateText::new("9999-12-31T23:59:59Z");
    assert_eq!(last.to_when().to_string(), "9999-12-31T23:59:59Z");
}

#[test]
fn never_and_not_reported_differ() {
    assert_ne!(When::Never, When::NotReported);
    assert!(When::Never.is_never() && When::Never.is_reported());
    assert!(!When::NotReported.is_never() && !When::NotReported.is_reported());
    assert_eq!(When::NotReported.to_string(), "not reported");
}
