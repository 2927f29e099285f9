//! Callers who ask without a pause notice nothing of a reload.

use super::{AUDIENCE, Party, TO_RELOAD, issuers, reloaded};
use crate::support::{
    idp::{Idp, Reply},
    load::Load,
    service::Service,
    wait::until,
};

/// An issuer whose keys are fetched, and whose tokens are asked about.
fn fetched(party: &Party, idp: &Idp, more: &str) -> String {
    let (issuer, uri) = (party.issuer(), idp.url("/keys"));
    format!(
        "  - {{ name: {}, issuer: {issuer}, jwks_uri: {uri}, audiences: [{AUDIENCE}]{more} }}\n",
        party.name
    )
}

#[tokio::test]
async fn no_call_about_a_token_that_is_good_before_and_after_fails() {
    let (one, two) = (Party::new("one"), Party::new("two"));
    let keys = one.key_set().into_bytes();
    let idp = Idp::start(move |_| Reply::ok(keys.clone())).await;
    let base = fetched(&one, &idp, "");
    let service = Service::start_with_files(
        &issuers(std::slice::from_ref(&base)),
        &[("two.json", two.key_set().as_bytes())],
    )
    .await;
    let tokens: Vec<_> = (0..10).map(|_| one.token()).collect();
    let load = Load::start(&service, tokens).await;
    load.rounds(2).await;
    // From now on no fetch ends: whatever needs one cannot answer.
    idp.change(|_| Reply::Stalled(""));

    let wider = base.replace(AUDIENCE, &format!("{AUDIENCE}, https://other.example.test"));
    let limits = "limits: { max_concurrent: 100, max_token_bytes: 4KiB, drain: 1s }\n";
    let changes = [
        issuers(&[two.entry(""), base.clone()]) + limits,
        issuers(&[fetched(&one, &idp, ", leeway: 10s")]),
        issuers(&[wider]),
        issuers(&[fetched(&one, &idp, ", keys: { timeout: 1s, refresh_after: 4m }")]),
        issuers(&[base.replace("name: one", "name: renamed"), two.entry("")]),
        issuers(std::slice::from_ref(&base)),
    ];
    for (times, yaml) in (1..).zip(&changes) {
        let asked = idp.hits().len();
        service.configure(yaml);
        reloaded(&service, times).await;
        if times > 1 {
            idp.wait_for_hits(|hits| hits.len() > asked).await;
        }
        load.rounds(2).await;
    }
    load.stop().await;
}

/// No keys can be handed over where another key set counts from now on; until that is there, the old one answers.
#[tokio::test]
async fn an_issuer_whose_keys_move_answers_until_the_new_ones_are_there() {
    let one = Party::new("one");
    let keys = one.key_set().into_bytes();
    let (release, held) = tokio::sync::watch::channel(false);
    let idp = Idp::start(move |hit| match hit.path.as_str() {
        "/keys" => Reply::ok(keys.clone()),
        _ => Reply::Held(held.clone(), keys.clone()),
    })
    .await;
    let base = fetched(&one, &idp, "");
    let service = Service::start_with_files(&issuers(std::slice::from_ref(&base)), &[]).await;
    let load = Load::start(&service, vec![one.token()]).await;

    service.configure(&issuers(&[base.replace("/keys", "/moved")]));
    idp.wait_for_hits(|hits| hits.iter().any(|hit| hit.path == "/moved")).await;
    load.rounds(2).await;
    release.send_replace(true);
    reloaded(&service, 1).await;
    load.rounds(2).await;
    load.stop().await;
}

/// Files that are read again and again by many at once.
#[tokio::test]
async fn reloads_one_upon_another_fail_no_call() {
    let one = Party::new("one");
    let service =
        Service::start_with_files(&issuers(&[one.entry("")]), &[("one.json", one.key_set().as_bytes())])
            .await;
    let tokens: Vec<_> = (0..10).map(|_| one.token()).collect();
    let load = Load::start(&service, tokens).await;
    for times in 1..=40_u32 {
        service.configure(&issuers(&[one.entry(&format!(", leeway: {times}s"))]));
        service.sighup().await;
        let leeway = || service.output().matches("the configuration was reloaded").count();
        let wanted = usize::try_from(times).unwrap();
        until("one more reload", TO_RELOAD, async || (leeway() >= wanted).then_some(())).await;
    }
    load.rounds(1).await;
    load.stop().await;
}
