//! One line for each thing that an address can say.

use proptest::prelude::*;

use super::*;

fn parsed(written: &str) -> RedisUrl {
    RedisUrl::parse(written.as_bytes()).unwrap_or_else(|problem| panic!("{written}: {problem}"))
}

fn host(name: &str, port: Option<u16>) -> Host {
    Host { name: name.to_owned(), port }
}

fn check_nodes(written: &str, expected: &[(&str, Option<u16>)]) {
    let expected: Vec<_> = expected.iter().map(|(name, port)| host(name, *port)).collect();
    assert_eq!(parsed(written).nodes, expected, "{written}");
}

fn check_login(written: &str, username: Option<&str>, password: &[u8]) {
    let url = parsed(written);
    assert_eq!(url.username.as_deref(), username, "{written}");
    assert_eq!(url.password.unwrap().expose(), password, "{written}");
}

fn check_refused(written: &str, expected: UrlProblem) {
    assert_eq!(RedisUrl::parse(written.as_bytes()), Err(expected), "{written}");
}

#[test]
fn the_scheme_says_whether_there_is_tls() {
    assert!(!parsed("redis://a").is_tls);
    assert!(parsed("rediss://a").is_tls);
    for bad in ["", "a", "a:6379", "http://a", "REDIS://a", "redis:a", "redis:/a", "unix:///a", " redis://a"]
    {
        check_refused(bad, UrlProblem::Scheme);
    }
    assert_eq!(RedisUrl::parse(b"redis://\xff"), Err(UrlProblem::NotText));
}

#[test]
fn hosts_are_names_and_addresses_with_commas_between_them() {
    check_nodes("redis://redis.example:6380", &[("redis.example", Some(6_380))]);
    check_nodes("redis://localhost", &[("localhost", None)]);
    check_nodes("redis://10.0.0.1/", &[("10.0.0.1", None)]);
    check_nodes("redis://[::1]:7000,[2001:DB8::2]", &[("::1", Some(7_000)), ("2001:db8::2", None)]);
    check_nodes("rediss://u:p@a:1,b_c-d:2,a:3/0", &[("a", Some(1)), ("b_c-d", Some(2)), ("a", Some(3))]);
}

#[test]
fn other_hosts_are_refused() {
    for bad in [
        "redis://",
        "redis://:6379",
        "redis:///0",
        "redis://a,",
        "redis://,a",
        "redis://a:",
        "redis://a:0",
        "redis://a:+1",
        "redis://a:65536",
        "redis://a:1:2",
        "redis://::1",
        "redis://[::1",
        "redis://[::1]6379",
        "redis://[a]",
        "redis://a b",
        "redis://a?x",
        "redis://a#x",
        "redis://ä",
        "redis://u:p@",
        // A slash in the password ends the authority.
        "redis://u:p",
    ] {
        check_refused(bad, UrlProblem::Host);
    }
    check_refused("redis://a:1,b,a:1", UrlProblem::SameHost);
}

#[test]
fn user_and_password_are_decoded_once() {
    check_login("redis://:secret@a", None, b"secret");
    check_login("redis://me:a%40b%3Ac%2fd%2540@a", Some("me"), b"a@b:c/d%40");
    check_login("redis://m%C3%A9:x:y,z@a,b", Some("mé"), b"x:y,z");
    check_login("redis://u:%ff%00@a", Some("u"), b"\xff\0");
    check_login("redis://u:a+b@a", Some("u"), b"a+b");
    let url = parsed("redis://a");
    assert_eq!((url.username, url.password), (None, None));
}

#[test]
fn other_logins_are_refused() {
    check_refused("redis://u@a", UrlProblem::NoPassword);
    check_refused("redis://u:@a", UrlProblem::NoPassword);
    check_refused("redis://@a", UrlProblem::NoPassword);
    check_refused("redis://u:p@b@a", UrlProblem::TwoUsers);
    check_refused("redis://u:p@a,u:p@b", UrlProblem::TwoUsers);
    for bad in ["%", "%4", "%zz", "100%", "%+1"] {
        check_refused(&format!("redis://u:{bad}@a"), UrlProblem::Escape);
    }
    check_refused("redis://%ff:p@a", UrlProblem::User);
}

#[test]
fn the_database_is_a_number_at_the_end() {
    for (written, database) in
        [("redis://a", 0), ("redis://a/", 0), ("redis://a/15", 15), ("redis://a/007", 7)]
    {
        assert_eq!(parsed(written).database, database, "{written}");
    }
    for bad in [
        "redis://a/x",
        "redis://a/-1",
        "redis://a/1/",
        "redis://a/1?x=y",
        "redis://a/4294967296",
        "redis://u:p/q@a",
    ] {
        check_refused(bad, UrlProblem::Database);
    }
}

#[test]
fn loopback_is_where_every_node_is_on_this_machine() {
    for (written, is_loopback) in [
        ("redis://localhost", true),
        ("redis://127.0.0.1:1,[::1]:2,LOCALHOST", true),
        ("redis://127.0.0.1,10.0.0.1", false),
        ("redis://localhost.example", false),
        ("redis://[::2]", false),
    ] {
        assert_eq!(parsed(written).is_loopback(), is_loopback, "{written}");
    }
}

#[test]
fn nothing_of_a_password_is_shown() {
    let shown = format!("{:?}", parsed("redis://user:hunter2@a"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

proptest! {
    #[test]
    fn no_text_panics_and_no_problem_repeats_it(text in "(redis|rediss)://[a-z:@/,%0-9\\[\\].]{0,30}hunter2[a-z:@/,%0-9]{0,9}") {
        if let Err(problem) = RedisUrl::parse(text.as_bytes()) {
            prop_assert!(!problem.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn any_password_arrives_as_it_was(password in proptest::collection::vec(any::<u8>(), 1..40)) {
        let escaped: Vec<String> = password.iter().map(|byte| format!("%{byte:02x}")).collect();
        let escaped = escaped.concat();
        let url = parsed(&format!("redis://u:{escaped}@h:1/2"));
        prop_assert_eq!(url.password, Some(Secret::new(password)));
        prop_assert_eq!((url.nodes, url.database), (vec![host("h", Some(1))], 2));
    }
}
