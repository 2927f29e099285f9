//! The alerts: that Prometheus takes them, when each fires, that what they look at is what a running service exports, and that each
//! has a section in the documentation that says what to do.

mod cases;

use std::{collections::BTreeSet, fmt::Write as _, process::Command};

use countersign::store::KeyRing;
use serde_json::{Value, json};

use self::cases::{CASES, Case, Series};
use super::kit::{files, render_one, sets, success};
use crate::{
    readme::root,
    support::{
        idp::{Idp, Reply},
        redis::{Fsync, Options, RedisServer},
        service::Service,
        wait::until,
    },
};

const RUNBOOK: &str = "https://countersign.example/docs/kubernetes.md";
/// What Prometheus adds to each series of a pod that the ServiceMonitor finds.
const TARGET: &str = r#"namespace="tokens",job="cs-countersign-headless",pod="a""#;

/// The rules with everything that the values can leave out.
fn rules() -> Value {
    let rendered = render_one(&format!(
        "{}\nprometheusRule: {{enabled: true, disabled: []}}",
        sets()["monitored"].replace("prometheusRule:", "# ")
    ));
    assert_eq!(rendered.error, "");
    rendered.one("PrometheusRule", "cs-countersign")["spec"].clone()
}

fn alerts(rules: &Value) -> Vec<&Value> {
    rules["groups"][0]["rules"].as_array().unwrap().iter().collect()
}

fn name(alert: &Value) -> &str {
    alert["alert"].as_str().unwrap()
}

#[test]
fn each_alert_fires_when_it_should_and_not_otherwise() {
    let rules = rules();
    let named: BTreeSet<_> = alerts(&rules).into_iter().map(name).collect();
    let tested: BTreeSet<_> = CASES.iter().map(|case| case.alert).collect();
    assert_eq!(named, tested, "every alert has a case");
    let tests: Vec<_> = CASES
        .iter()
        .flat_map(|case| [loud(case, &rules, &series(case.loud)), quiet(case)])
        .chain(CASES.iter().filter_map(|case| Some(loud(case, &rules, &at_its_start(case.loud)?))))
        .collect();
    let tests = json!({"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": tests});
    let directory = files(&[("rules.json", &rules.to_string()), ("tests.json", &tests.to_string())]);
    for (command, file) in [("check", "rules.json"), ("test", "tests.json")] {
        let output = Command::new("promtool")
            .args([command, "rules", file])
            .current_dir(directory.path())
            .output()
            .unwrap();
        success(&output);
    }
}

/// It fires an hour later, with the sentence that a person reads, and does not fire before it has been so for long enough.
fn loud(case: &Case, rules: &Value, series: &Value) -> Value {
    let alert = alerts(rules).into_iter().find(|alert| name(alert) == case.alert).unwrap();
    let mut labels = alert["labels"].clone();
    assert_eq!(labels["namespace"], "tokens", "whoever is told has to know where");
    for (label, value) in case.labels {
        labels[label] = json!(value);
    }
    let runbook = format!("{RUNBOOK}#{}", case.alert.to_lowercase());
    let annotations = json!({"summary": case.summary, "runbook_url": runbook});
    json!({
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": [
            {"eval_time": "60m", "alertname": case.alert, "exp_alerts": [{"exp_labels": labels, "exp_annotations": annotations}]},
            {"eval_time": case.before, "alertname": case.alert, "exp_alerts": []},
        ],
    })
}

/// The same of a pod that counted before Prometheus first asked it: what would be zeros is not there.
fn at_its_start(all: &[Series]) -> Option<Value> {
    let mut late = series(all);
    for one in late.as_array_mut().unwrap() {
        let counter = one["series"].as_str().unwrap().contains("_total{");
        let later = one["values"].as_str().unwrap().strip_prefix("0x").filter(|_| counter)?;
        one["values"] = json!(format!("_ _x{later}"));
    }
    Some(late)
}

fn quiet(case: &Case) -> Value {
    json!({
        "interval": "1m",
        "input_series": series(case.quiet),
        "alert_rule_test": [{"eval_time": "60m", "alertname": case.alert, "exp_alerts": []}],
    })
}

fn series(all: &[Series]) -> Value {
    let named = |Series(metric, labels, values): &Series| {
        let mut name = format!("{metric}{{{TARGET}");
        if !labels.is_empty() {
            write!(name, ",{labels}").unwrap();
        }
        json!({"series": format!("{name}}}"), "values": values})
    };
    all.iter().map(named).collect()
}

/// Of another release in the same namespace, and of one of the same name in another: neither is this one's trouble.
#[test]
fn nobody_elses_series_count() {
    let rules = rules();
    for alert in alerts(&rules) {
        let expression = alert["expr"].as_str().unwrap();
        for metric in expression.match_indices('{') {
            let selector = &expression[metric.0..];
            assert!(
                selector.starts_with(r#"{namespace="tokens",job="cs-countersign-headless""#),
                "{expression}"
            );
        }
    }
}

/// A scrape job of one's own names its series by whatever signs it likes, and none of them is YAML's.
#[test]
fn prometheus_takes_the_series_of_another_scrape_job() {
    for selector in [r#"job="a""#, r#"namespace!="a: b # c", job=~"x|y\\.z",a!~"\"{}'""#] {
        let minimal = &sets()["minimal"];
        let quoted = selector.replace('\'', "''");
        let rendered =
            render_one(&format!("{minimal}\nprometheusRule: {{enabled: true, selector: '{quoted}'}}"));
        assert_eq!(rendered.error, "");
        let rules = rendered.one("PrometheusRule", "cs-countersign")["spec"].clone();
        for alert in alerts(&rules) {
            assert!(alert["expr"].as_str().unwrap().contains(&format!("{{{selector}")), "{alert}");
        }
        let directory = files(&[("rules.json", &rules.to_string())]);
        let mut promtool = Command::new("promtool");
        success(&promtool.args(["check", "rules", "rules.json"]).current_dir(&directory).output().unwrap());
    }
}

/// A label, and its values.
type Wanted = (String, Vec<String>);

/// What an expression selects: a metric, and what its labels have to be, as they are printed.
fn selections(expression: &str) -> Vec<(String, Vec<Wanted>)> {
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("countersign_") {
        let metric: String =
            expression[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let (_, rest) = expression[at..].split_once('{').unwrap();
        let (inside, _) = rest.split_once('}').unwrap();
        let labels = inside.split(',').skip(2).map(|matcher| {
            let (label, value) = matcher.split_once('=').unwrap();
            let values =
                value.trim_start_matches('~').trim_matches('"').split('|').map(str::to_owned).collect();
            (label.to_owned(), values)
        });
        found.push((metric, labels.collect()));
    }
    found
}

/// With a store that others write to, too, and an issuer of every kind, so that everything is exported that can be.
#[tokio::test]
async fn what_the_alerts_look_at_is_what_a_running_service_exports() {
    let redis = RedisServer::with(&Options::default().append_only(Fsync::Always)).await;
    let idp = Idp::start(|_| Reply::status("500 Internal Server Error")).await;
    let configuration = format!(
        "store: {{kind: redis, url: \"redis://{}\"}}\nkey_ring: {{file: ring}}\nissuers:\n  - name: acme\n    issuer: {}\n    \
         audiences: [api]\n    clients: [{{id: us, secret: {{file: secret}}}}]\n    introspection: {{}}\n",
        redis.address(),
        idp.url("")
    );
    let ring = tempfile::tempdir().unwrap();
    KeyRing::create(&ring.path().join("ring")).unwrap();
    let ring = std::fs::read(ring.path().join("ring")).unwrap();
    let service = Service::start_unready_with_files(
        &configuration,
        &[("ring", &ring), ("secret", b"0123456789abcdef")],
    );
    let exported = until("its metrics", std::time::Duration::from_secs(30), async || {
        let answer = service.try_admin_get("/metrics").await?;
        answer.body.contains("countersign_keys{").then_some(answer.body)
    })
    .await;
    let rules = rules();
    let mut looked_at = 0;
    for alert in alerts(&rules) {
        for (metric, labels) in selections(alert["expr"].as_str().unwrap()) {
            let samples = exported
                .lines()
                .filter(|line| line.strip_prefix(&metric).is_some_and(|rest| rest.starts_with(['{', ' '])));
            let samples: Vec<_> = samples.collect();
            assert!(!samples.is_empty(), "{}: nothing exports {metric}", name(alert));
            for (label, values) in labels {
                for value in values {
                    let pair = format!("{label}=\"{value}\"");
                    assert!(
                        samples.iter().any(|sample| sample.contains(&pair)),
                        "{}: {metric} has no {pair}",
                        name(alert)
                    );
                }
            }
            looked_at += 1;
        }
    }
    assert!(looked_at >= CASES.len(), "{looked_at}");
}

#[test]
fn each_alert_has_a_section_that_says_what_to_do() {
    let page = std::fs::read_to_string(root().join("docs/kubernetes.md")).unwrap();
    let sections: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### Countersign"))
        .map(|rest| format!("Countersign{rest}"))
        .collect();
    let rules = rules();
    let named: BTreeSet<_> = alerts(&rules).into_iter().map(|alert| name(alert).to_owned()).collect();
    assert_eq!(sections, named);
    for section in page.split("\n### ").filter(|section| section.starts_with("Countersign")) {
        assert!(section.contains("\n* Do: "), "{section}");
    }
    let metrics = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    for alert in alerts(&rules) {
        for (metric, _) in selections(alert["expr"].as_str().unwrap()) {
            let documented = metric.trim_end_matches("_bucket");
            assert!(metrics.contains(&format!("`{documented}`")), "{documented} is not in docs/metrics.md");
        }
    }
}

/// Half way from when the set should have been fetched to when it counts no more, for each issuer.
#[test]
fn old_keys_are_reported_after_they_should_be_fetched_and_before_they_are_too_old() {
    let issuers = "issuers: [{name: a, issuer: https://a.example, audiences: [b]}, {issuer: \"https://b.example:8443/c\", audiences: [b], keys: {refresh_after: 100m, max_age: 2h}}]";
    let monitored = sets()["monitored"].clone();
    let values = monitored
        .lines()
        .map(|line| if line.contains("issuers:") { format!("  {issuers}\n") } else { format!("{line}\n") });
    let rendered = render_one(&values.collect::<String>());
    let rule = rendered.one("PrometheusRule", "cs-countersign")["spec"].clone();
    let old = alerts(&rule).into_iter().find(|alert| name(alert) == "CountersignKeysOld").unwrap();
    let old = old["expr"].as_str().unwrap();
    assert!(old.contains("issuer=\"a\"} > 43350 or "), "{old}");
    assert!(old.ends_with("issuer=\"b.example\"} > 6600"), "{old}");
}
