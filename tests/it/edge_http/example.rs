//! The example of nginx, run by its one command.

use std::time::Duration;

use countersign::domain::edge::{names::spellings, settings::Field};
use tokio::process::Command;

use crate::{
    readme::{blocks, matches, root},
    support::{ports, process::Running, wait::within},
};

const TO_RUN: Duration = Duration::from_mins(3);

#[tokio::test]
async fn the_example_runs_and_prints_what_its_page_says() {
    let page = std::fs::read_to_string(root().join("examples/nginx/README.md")).unwrap();
    let blocks = blocks(&page);
    let said = blocks.iter().find(|block| block.language == "text").unwrap();
    let command = blocks.iter().find(|block| block.language == "sh").unwrap();
    let ports = [(); 4].map(|()| ports::reserve().to_string()).join(" ");
    let mut running = Running::start(
        Command::new("bash")
            .args(["-c", &command.text])
            .current_dir(root())
            .env("PORTS", ports)
            .env("COUNTERSIGN", env!("CARGO_BIN_EXE_countersign")),
    );
    let status = within("the example to end", TO_RUN, running.wait_exit()).await;
    let printed = running.output.text();
    assert!(status.success(), "{status}\n{printed}");
    assert!(matches(&printed, &said.text), "the page says:\n{}\nbut it printed:\n{printed}", said.text);
}

/// Where a proxy is told no query, a client writes it (docs/proxies-http.md).
#[test]
fn every_example_writes_the_query_of_every_check() {
    let mut checks = 0;
    for file in ["nginx/countersign-check.conf", "traefik/dynamic.yaml", "caddy/Caddyfile"] {
        let text = std::fs::read_to_string(root().join("examples").join(file)).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        for after in lines.flat_map(|line| line.split("/check").skip(1)) {
            assert!(after.starts_with('?'), "{file}: {after}");
            // Caddy does not send a `?` with nothing behind it.
            assert!(!file.contains("caddy") || after.len() > 1, "{file}: {after}");
            checks += 1;
        }
    }
    assert_eq!(checks, 3);
}

/// On an optional route, another scheme than ours is no credential, and must not get through as if it had been verified.
#[test]
fn caddy_takes_the_clients_authorization_out_before_the_verified_one_comes() {
    let caddy = std::fs::read_to_string(root().join("examples/caddy/Caddyfile")).unwrap();
    let lines: Vec<_> = caddy.lines().map(str::trim).collect();
    let place = |wanted: &str| {
        let mut found = lines.iter().enumerate().filter(|(_, line)| line.starts_with(wanted));
        let (place, _) = found.next().unwrap_or_else(|| panic!("no {wanted}"));
        assert!(found.next().is_none(), "{wanted} is there twice");
        place
    };
    let order = [
        // Clients cannot make up what is copied from.
        "request_header -X-Auth-*",
        "forward_auth",
        "copy_headers",
        "request_header -Authorization",
        "request_header @verified Authorization {header.X-Auth-Verified}",
        "request_header -X-Auth-Verified",
        "reverse_proxy",
    ];
    assert!(order.map(place).is_sorted(), "{caddy}");
    let copied = lines[place("copy_headers")];
    assert!(copied.split(' ').any(|name| name == "Authorization>X-Auth-Verified"), "{copied}");
    assert!(!copied.split(' ').any(|name| name == "Authorization"), "{copied}");
}

/// A field that is added later must not get through where nobody thought of it.
#[test]
fn every_example_takes_out_every_identity_header() {
    let file =
        |name: &str| std::fs::read_to_string(root().join("examples").join(name)).unwrap().to_lowercase();
    let (nginx, traefik, caddy) =
        (file("nginx/countersign-protect.conf"), file("traefik/dynamic.yaml"), file("caddy/Caddyfile"));
    for field in Field::ALL {
        let name = field.default_name();
        assert!(nginx.contains(&format!("\nproxy_set_header {name} $")), "nginx: {name}");
        assert!(traefik.contains(&format!("          - {name}\n")), "Traefik: {name}");
        assert!(caddy.contains(&format!(" {name}")), "Caddy: {name}");
        for spelling in spellings(name).iter().filter(|spelling| *spelling != name) {
            assert!(traefik.contains(&format!("          {spelling}: \"\"\n")), "Traefik: {spelling}");
        }
        for spelling in spellings(name) {
            let starts = ["x-auth-", "x-auth_", "x_auth-", "x_auth_"];
            let start = starts.into_iter().find(|start| spelling.starts_with(start)).unwrap();
            assert!(caddy.contains(&format!("request_header -{start}*\n")), "Caddy: {spelling}");
        }
    }
}
