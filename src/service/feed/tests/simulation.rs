//! Three replicas, a store that does what stores do, and chance.

use std::collections::BTreeMap;

use super::{
    super::pause::Chance,
    rig::{Replica, pass, session},
};
use crate::store::testing::shared::Server;

const STEPS: usize = 60;

/// Whatever happened: once there is contact, all hold what was ever answered OK, unless every replica that held it is gone.
async fn simulate(seed: u64) {
    let (server, chance) = (Server::start(), Chance::from_seed(seed));
    let pick = |of: usize| chance.pick(of);
    let mut replicas: Vec<_> = (0..3).map(|at| Replica::start(&server, seed * 10 + at)).collect();
    let mut backup = server.backup();
    // Answered OK, and by which replica: it holds it for as long as it lives.
    let mut acknowledged: BTreeMap<String, bool> = BTreeMap::new();
    pass(2).await;
    for step in 0..STEPS {
        let who = pick(3);
        match pick(14) {
            0..=4 => {
                let name = format!("{step}");
                if replicas[who].revoke(&name).await.is_some() {
                    acknowledged.insert(name, true);
                }
            }
            5 => server.trim(pick(3)),
            6 => server.empty(),
            7 => backup = server.backup(),
            8 => server.fail_over_to(backup.clone()),
            9 => replicas[who].link.cut_off(true),
            10 => replicas[who].link.cut_off(false),
            11 => {
                server.down(pick(2) == 0);
            }
            // Its memory is gone. What nobody else holds, and the store does not, is lost with it.
            12 => replicas[who] = Replica::start(&server, seed * 10 + 9),
            _ => pass(u64::try_from(pick(4)).unwrap()).await,
        }
        for (name, survives) in &mut acknowledged {
            let held = replicas.iter().any(|replica| replica.knows(name));
            *survives &= held || server.holds(&session(name));
        }
    }
    server.down(false);
    for replica in &replicas {
        replica.link.cut_off(false);
    }
    pass(100).await;
    for name in acknowledged.iter().filter(|(_, survives)| **survives).map(|(name, _)| name) {
        let known: Vec<_> = replicas.iter().map(|replica| replica.knows(name)).collect();
        assert_eq!(known, [true; 3], "seed {seed}: {name}");
        assert!(server.holds(&session(name)), "seed {seed}: {name} in the store");
    }
    let reached: Vec<_> = replicas.iter().map(|replica| replica.set.revision()).collect();
    assert!(reached.windows(2).all(|pair| pair[0] == pair[1]), "seed {seed}: {reached:?}");
}

#[tokio::test(start_paused = true)]
async fn r12_whatever_the_store_does_all_come_to_hold_what_was_answered() {
    for seed in 1..=40 {
        simulate(seed).await;
    }
}
