//! Do the two clocks agree? A `Date` is a whole second, made some time between question and answer, and maybe held by
//! caches since: so the difference is known within bounds only, and only what is certain is held against anybody.

use std::time::Duration;

use super::{Code, Finding};
use crate::{
    domain::time::UnixTime,
    issuer::{
        http::Dated,
        probe::{observed::ClockSeen, words},
    },
};

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn judge(seen: ClockSeen, leeway: Duration) -> Finding {
    let (date, age) = match seen.dated {
        Dated::At { date, age } => (date, age),
        Dated::Missing => {
            return Finding::new(Code::ClockUnknown, "the answer has no `Date` to compare the clocks by");
        }
        Dated::Unreadable => {
            return Finding::new(Code::ClockUnknown, "the answer's `Date` or `Age` cannot be read");
        }
    };
    let earliest = date.plus(age);
    // `Age` is in whole seconds, too.
    let latest = earliest.plus(if age.is_zero() { SECOND } else { 2 * SECOND });
    let (ahead, behind) = (earliest.since(seen.received), seen.sent.since(latest));
    let (certain, word) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    if certain > leeway / 2 {
        let code = if certain > leeway { Code::ClockDiffers } else { Code::ClockDrifts };
        let (certain, leeway) = (words::duration(certain), words::duration(leeway));
        let message = format!(
            "the provider's clock is {word} this machine's by at least {certain}; `leeway` is {leeway}"
        );
        return Finding::new(code, message);
    }
    let most = widest(seen, earliest, latest);
    Finding::new(Code::Clock, format!("the two clocks differ by {} at most", words::duration(most)))
}

fn widest(seen: ClockSeen, earliest: UnixTime, latest: UnixTime) -> Duration {
    latest.since(seen.sent).max(seen.received.since(earliest))
}
