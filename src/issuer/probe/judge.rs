//! From what was seen to what is wrong.

mod clients;
mod clock;
mod discovery;
mod keys;

use super::{
    finding::{Code, Finding},
    observed::{Failure, Observed},
};
use crate::issuer::settings::IssuerSettings;

/// Every finding about an issuer, the good ones included.
pub(super) fn judge(settings: &IssuerSettings, seen: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    discovery::judge(settings, &seen.discovery, &mut findings);
    keys::judge(settings, seen, &mut findings);
    findings.extend(seen.clock.map(|seen| clock::judge(seen, settings.policy.leeway)));
    clients::judge(&seen.discovery, &seen.clients, &mut findings);
    findings
}

/// What the same failure is called at one place.
struct Names {
    plain_http: Code,
    unreachable: Code,
    redirected: Code,
    refused: Code,
    too_long: Code,
}

impl Names {
    fn finding(&self, what: &str, failure: &Failure) -> Finding {
        match failure {
            Failure::PlainHttp => Finding::new(
                self.plain_http,
                format!("{what} is neither https nor http on loopback, and is not asked"),
            ),
            Failure::Unreachable(why) => Finding::new(self.unreachable, format!("{what}: {why}")),
            Failure::Redirected(status) => {
                Finding::new(self.redirected, format!("{what} answers with a redirect (status {status})"))
            }
            Failure::Refused(status) => {
                Finding::new(self.refused, format!("{what} answers with status {status}"))
            }
            Failure::TooLong => {
                Finding::new(self.too_long, format!("{what} is longer than `keys.max_bytes` allows"))
            }
        }
    }
}
