//! A configuration that is not taken changes nothing, is seen in the log, in a metric and in the detail of readiness, and
//! is over with the next good one.

use std::fs;

use super::{Party, TO_RELOAD, issuers, refused, reloaded, start};
use crate::support::{
    ports,
    service::Service,
    tokens::{Signer, claims},
    wait::until,
};

/// The service goes on as before, and this is said of what was not taken.
async fn goes_on(service: &Service, token: &str, why: &str) {
    service.validate(token).await.good();
    let readyz = service.admin_get("/readyz").await;
    assert_eq!(readyz.status, 200);
    let of_it = |line: &&str| line.contains("the changed configuration is not taken") && line.contains(why);
    assert_eq!(readyz.body.lines().filter(of_it).count(), 1, "{why}: {}", readyz.body);
    let logged = until("the log", TO_RELOAD, async || {
        let logged = service.output();
        logged.lines().any(|line| of_it(&line)).then_some(logged)
    })
    .await;
    let errors = logged.lines().filter(of_it).filter(|line| line.contains("\"ERROR\""));
    assert_eq!(errors.count(), 1, "once: {logged}");
}

#[tokio::test]
async fn an_invalid_file_half_a_file_and_a_key_that_needs_a_restart_change_nothing() {
    let (one, two) = (Party::new("one"), Party::new("two"));
    let service = start(&one, &two).await;
    let token = one.token();
    let both = issuers(&[one.entry(""), two.entry("")]);
    let half = both.split_once("audiences").unwrap().0;
    let elsewhere = format!("{both}listen: 127.0.0.1:{}\ncache: {{ max_age: 1m }}\n", ports::reserve());
    let mut attempts = 0;
    for (bad, why) in [
        (both.replace("name: two", "nam: two"), "did you mean `name`?"),
        (half.to_owned(), "countersign.yaml:2: "),
        (String::new(), "at least one issuer is needed"),
        (elsewhere, "only a restart can change listen, cache.max_age"),
        (both.replace("two.json", "none.json"), "there is no file"),
    ] {
        attempts += 1;
        service.configure(&bad);
        refused(&service, attempts).await;
        goes_on(&service, &token, why).await;
        assert!(!service.validate(&two.token()).await.is_good(), "nothing of it is in effect: {bad}");
    }
    service.configure(&both);
    reloaded(&service, 1).await;
    service.validate(&two.token()).await.good();
    let ready = async || (service.admin_get("/readyz").await.body == "ready\n").then_some(());
    until("nothing to be wrong any more", TO_RELOAD, ready).await;
}

#[tokio::test]
async fn a_file_or_a_secret_that_disappears_changes_nothing_and_can_come_back() {
    let (issuer, secret) = ("https://shared.example.test", [b's'; 32]);
    let yaml = format!("issuers: [{{ issuer: {issuer}, audiences: [a], secret: {{ file: ./secret }} }}]\n");
    let service = Service::start_with_files(&yaml, &[("secret", &secret)]).await;
    let token = Signer::shared("HS256", &secret).access_token(&claims(issuer, "a"));
    for (times, name, why) in
        [(1, "secret", "/secret cannot be read"), (2, "countersign.yaml", "countersign.yaml: cannot be read")]
    {
        let (path, away) = (service.directory().join(name), service.directory().join("away"));
        fs::rename(&path, &away).unwrap();
        refused(&service, times).await;
        goes_on(&service, &token, why).await;
        fs::rename(&away, &path).unwrap();
        reloaded(&service, times).await;
        assert_eq!(service.admin_get("/readyz").await.body, "ready\n");
    }
    service.validate(&token).await.good();
}

#[tokio::test]
async fn a_key_set_that_was_missing_is_noticed_when_it_is_there() {
    let (one, two) = (Party::new("one"), Party::new("two"));
    let service = start(&one, &two).await;
    fs::remove_file(service.directory().join("two.json")).unwrap();
    service.configure(&issuers(&[one.entry(""), two.entry("")]));
    refused(&service, 1).await;
    service.put("two.json", two.key_set());
    reloaded(&service, 1).await;
    service.validate(&two.token()).await.good();
}
