//! Looking again at what a connection rests on: a server's settings can be changed while it runs, and sentinels can choose another
//! primary while this one still takes itself for it.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::{
    BOUND,
    attempt::{Common, Target},
    checks::Facts,
    conn::Conn,
};
use crate::store::redis::trouble::RedisTrouble;

/// So long a change may go unnoticed. A look costs the server some tenths of a millisecond.
const EVERY: Duration = Duration::from_secs(5);
/// For one look: sentinels are asked twice.
const TO_LOOK: Duration = BOUND.saturating_mul(3);

impl Common {
    /// Returns once the connection is not what it was taken for, so that another one has to be made.
    pub(super) async fn watch(&self, conn: &Conn, target: &Target) {
        let mut tick = interval_at(Instant::now() + EVERY, EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if !matches!(timeout(TO_LOOK, self.look_again(conn, target)).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    async fn look_again(&self, conn: &Conn, target: &Target) -> Result<(), RedisTrouble> {
        match target {
            Target::HomeChecked => self.look(conn, &self.still_usable(conn).await?).await?,
            Target::HomeDurable => self.still_durable(conn).await?,
            // Somebody waits for news on it, and holds up all else.
            Target::Home => {}
            // What its answers say is enough.
            Target::Node(_) => return Ok(()),
        }
        self.places.still(&conn.address).await
    }

    async fn still_usable(&self, conn: &Conn) -> Result<Facts, RedisTrouble> {
        let facts = timeout(BOUND, Facts::read(conn, &self.connector)).await;
        let facts = facts.unwrap_or(Err(RedisTrouble::Unanswered { within: BOUND }))?;
        facts.usable(&self.topology)?;
        Ok(facts)
    }

    /// What confirms writes is settled when a connection is made.
    async fn still_durable(&self, conn: &Conn) -> Result<(), RedisTrouble> {
        let confirm = self.still_usable(conn).await?.confirm(self.durability);
        if confirm == conn.confirm { Ok(()) } else { Err(RedisTrouble::Lost) }
    }
}
