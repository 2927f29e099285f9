use super::{
    super::{request::tests::Listed, settings::Login, source::Source},
    *,
};
use crate::domain::reason::{Reason, Refusal};

fn refused(reason: Reason) -> Denial {
    Denial::Refused(Refusal::new(reason, "a \"sentence\""))
}

fn reply(denial: &Denial, headers: &[(&'static str, &str)], settings: &EdgeSettings) -> Reply {
    let policy = RoutePolicy { scopes: vec!["read".to_owned(), "write".to_owned()], ..RoutePolicy::of(&[]) };
    of_denial(denial, &Listed::of(headers).request("GET", "/a?b=c"), Some(&policy), settings)
}

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_request_without_a_credential_is_told_how_and_not_what_is_wrong() {
    let reply = reply(&Denial::missing(), &[], &EdgeSettings::default());
    assert_eq!(reply.status, 401);
    assert_eq!(header(&reply, "www-authenticate"), Some("Bearer realm=\"countersign\""));
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(
        (&body["error"], &body["reason"], &body["recovery"]),
        (&"unauthorized".into(), &"MISSING".into(), &"LOGIN".into())
    );
}

#[test]
fn a_refused_token_is_401_and_an_insufficient_one_403_with_the_scope() {
    let settings =
        EdgeSettings { resource_metadata: Some("https://a.example/m".to_owned()), ..EdgeSettings::default() };
    let bad = reply(&refused(Reason::Expired), &[], &settings);
    assert_eq!(bad.status, 401);
    assert_eq!(
        header(&bad, "www-authenticate"),
        Some(
            "Bearer realm=\"countersign\", error=\"invalid_token\", error_description=\"a 'sentence'\", \
             resource_metadata=\"https://a.example/m\""
        )
    );
    assert_eq!(header(&bad, "cache-control"), Some("no-store"));
    let short = reply(&refused(Reason::InsufficientScope), &[], &EdgeSettings::default());
    assert_eq!(short.status, 403);
    let challenge = header(&short, "www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"read write\""),
        "{challenge}"
    );
    for other in [Reason::InsufficientRole, Reason::AudienceMismatch] {
        let other = reply(&refused(other), &[], &EdgeSettings::default());
        assert!(other.status == 403 && !header(&other, "www-authenticate").unwrap().contains("scope=\""));
    }
    let conflict = reply(&Denial::Conflict, &[], &EdgeSettings::default());
    assert_eq!(conflict.status, 401);
    assert!(header(&conflict, "www-authenticate").unwrap().contains("error=\"invalid_request\""));
}

#[test]
fn a_policy_that_cannot_be_read_says_to_the_client_only_that() {
    let problem =
        super::super::route::PolicyProblem { name: "requried_scopes".to_owned(), problem: "is nothing" };
    let reply = reply(&Denial::Policy(problem), &[], &EdgeSettings::default());
    assert_eq!(reply.status, 500);
    assert!(!reply.body.contains("requried"));
    assert_eq!(header(&reply, "www-authenticate"), None);
}

#[test]
fn only_navigations_are_sent_to_the_login() {
    let login = Login { url: "https://login.example/".to_owned(), return_to: None };
    let settings =
        EdgeSettings { login: Some(login), sources: vec![Source::Authorization], ..EdgeSettings::default() };
    let page = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let sent = reply(&Denial::missing(), &page, &settings);
    assert_eq!((sent.status, header(&sent, "location")), (302, Some("https://login.example/")));
    assert_eq!(header(&sent, "cache-control"), Some("no-store"));
    assert_eq!(reply(&Denial::missing(), &[("sec-fetch-mode", "cors")], &settings).status, 401);
    assert_eq!(reply(&refused(Reason::InsufficientRole), &page, &settings).status, 403);
}

#[test]
fn grpc_calls_get_a_sentence() {
    let denied = reply(&Denial::missing(), &[("content-type", "application/grpc")], &EdgeSettings::default());
    assert_eq!((denied.status, denied.body.as_str()), (401, Denial::missing().message()));
    let request = Listed::of(&[("content-type", "application/grpc")]);
    let unknown = cannot_tell("KEYS_UNAVAILABLE", "cannot tell", None, &request.request("POST", "/"));
    assert_eq!((unknown.status, unknown.body.as_str()), (503, "cannot tell"));
}

#[test]
fn e4_cannot_tell_is_503_and_says_when_to_ask_again() {
    let request = Listed::of(&[]);
    let reply = cannot_tell("A", "b", Some(Duration::from_millis(300)), &request.request("GET", "/"));
    assert_eq!((reply.status, header(&reply, "retry-after")), (503, Some("1")));
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((&body["error"], &body["reason"]), (&"temporarily_unavailable".into(), &"A".into()));
    let reply = cannot_tell("A", "b", None, &request.request("GET", "/"));
    assert_eq!(header(&reply, "retry-after"), None);
}

#[test]
fn what_a_client_writes_amiss_is_a_refusal_where_the_proxy_takes_all_else_for_a_fault() {
    let (client, proxy) = (Denial::Client("a sentence"), Denial::Request("a sentence"));
    let listed = Listed::of(&[]);
    let told = |denial: &Denial, takes_redirects| {
        let request = EdgeRequest { takes_redirects, ..listed.request("GET", "/") };
        of_denial(denial, &request, None, &EdgeSettings::default())
    };
    assert_eq!((told(&client, true).status, told(&client, false).status), (400, 403));
    assert_eq!((told(&proxy, true).status, told(&proxy, false).status), (400, 400));
    let challenge = told(&client, false);
    let challenge = header(&challenge, "www-authenticate").unwrap();
    assert!(challenge.contains("error=\"invalid_request\""), "{challenge}");
    assert!(told(&client, false).body.contains("REQUEST_INVALID"));
}
