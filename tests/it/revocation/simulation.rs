//! Sequences of what can happen to revocations, against a model that remembers everything for ever (R1 to R11, S4, S5).
//!
//! The validator, the revoker and the embedded store are the real ones; the clock and the store's faults are the
//! simulation's. `SIMULATIONS` says how many sequences are drawn, `SIMULATION_SEED` from which seed. A sequence that found a bug stays, by its name, in
//! `found.rs`.

mod found;
mod model;
mod steps;
mod world;

use proptest::{
    collection::vec,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

use super::asked;

use self::{
    model::Model,
    steps::{Step, step},
    world::World,
};

#[test]
fn whatever_happens_no_revocation_is_forgotten_and_nothing_else_is_refused() {
    let cases = u32::try_from(asked("SIMULATIONS", 48)).unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&asked("SIMULATION_SEED", 1).to_be_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
        .run(&vec(step(), 1..60), |steps| runtime.block_on(run(&steps)).map_err(TestCaseError::fail))
        .unwrap_or_else(|error| panic!("{error}"));
}

/// Runs a sequence. The error says at which step the two disagree.
async fn run(steps: &[Step]) -> Result<(), String> {
    let mut world = World::start().await;
    let mut model = Model::default();
    for (at, step) in steps.iter().enumerate() {
        take(step, &mut world, &mut model).await.map_err(|why| format!("step {at}, {step:?}: {why}"))?;
    }
    world.stop().await;
    Ok(())
}

async fn take(step: &Step, world: &mut World, model: &mut Model) -> Result<(), String> {
    match *step {
        Step::Advance(seconds) => world.clock.move_by(seconds),
        Step::SetBack(seconds) => world.clock.move_by(-seconds),
        Step::Mint(token) => model.mint(token, world.clock.secs()),
        Step::Validate(choice) => {
            if let Some((number, token)) = model.token(choice) {
                let said = world.validate(number, &token).await;
                return model.judge(&token, said, world.clock.secs(), world.has_been_faulty());
            }
        }
        Step::Revoke(target) => {
            let Some(target) = model.aim(target) else { return Ok(()) };
            let done = world.revoke(&target).await;
            model.revoked(target, done, world.clock.secs());
        }
        Step::Restart => {
            if world.restart(true).await {
                model.restarted_cleanly();
            } else {
                model.crashed();
            }
        }
        Step::Crash => {
            world.restart(false).await;
            model.crashed();
        }
        Step::Fault(fails) => world.fail(fails),
        Step::Sweep => world.sweep().await,
    }
    Ok(())
}
