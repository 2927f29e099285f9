//! Looking again at what a connection rests on: a server's settings can be changed while it runs.

use std::{future::pending, time::Duration};

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

impl Common {
    /// Returns once the connection is not what it was taken for, so that another one has to be made.
    pub(super) async fn watch(&self, conn: &Conn, target: &Target) {
        // On the feed's somebody waits for news, and holds up all else; what a node's answers say is enough.
        if matches!(target, Target::Home | Target::Node(_)) {
            return pending().await;
        }
        let mut tick = interval_at(Instant::now() + EVERY, EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let looked = async {
                match target {
                    Target::HomeDurable => self.still_durable(conn).await,
                    Target::HomeChecked | Target::Home | Target::Node(_) => {
                        self.look(conn, &self.still_usable(conn).await?).await
                    }
                }
            };
            if !matches!(timeout(BOUND, looked).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    async fn still_usable(&self, conn: &Conn) -> Result<Facts, RedisTrouble> {
        let facts = Facts::read(conn, &self.connector).await?;
        facts.usable(&self.topology)?;
        Ok(facts)
    }

    /// What confirms writes is settled when a connection is made.
    async fn still_durable(&self, conn: &Conn) -> Result<(), RedisTrouble> {
        let confirm = self.still_usable(conn).await?.confirm(self.durability);
        if confirm == conn.confirm { Ok(()) } else { Err(RedisTrouble::Lost) }
    }
}
