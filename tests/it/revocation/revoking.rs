//! A steady load of revocations, spread over services, that goes on while they are killed.

use std::{sync::Arc, time::Duration};

use countersign::{
    ops::drain::Tasks,
    proto::client::{RevokeRequest, token_service_client::TokenServiceClient},
};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use tonic::transport::Channel;

use super::{
    random::Random,
    victims::{Answered, ISSUER, TO_ANSWER, Victim},
};
use crate::support::{service::Service, tokens::Signer, wait::within};

/// One each two milliseconds: 500 a second.
const PACE: Duration = Duration::from_millis(2);
const WORKERS: usize = 16;

/// The load. What is not answered is not asked for again.
#[derive(Debug)]
pub(crate) struct Revoking {
    pace: JoinHandle<u64>,
    workers: Tasks,
    enough: oneshot::Sender<()>,
}

impl Revoking {
    /// Starts it, with victims from this number on. Its connections come back by themselves after a crash.
    pub(crate) async fn start(
        services: &[&Service],
        signer: &Arc<Signer>,
        random: &mut Random,
        first: u64,
        answered: &Arc<Answered>,
    ) -> Self {
        let (give, take) = mpsc::channel(WORKERS * 4);
        let take = Arc::new(Mutex::new(take));
        let workers = Tasks::default();
        for service in services.iter().cycle().take(WORKERS) {
            let (client, take) = (service.client().await, Arc::clone(&take));
            let (signer, answered) = (Arc::clone(signer), Arc::clone(answered));
            workers.spawn(async move { work(client, &take, &signer, &answered).await });
        }
        let (enough, ended) = oneshot::channel();
        let pace = workers.spawn(keep_pace(give, Random::seeded(random.next()), first, ended));
        Self { pace, workers, enough }
    }

    /// Ends it, and returns the next victim's number.
    pub(crate) async fn stop(self) -> u64 {
        drop(self.enough);
        let next = within("the pace to end", TO_ANSWER, self.pace).await.unwrap();
        within("the workers to end", TO_ANSWER, self.workers.stop()).await;
        next
    }
}

/// Hands out a victim at each tick; when the workers are behind, the pace is theirs.
async fn keep_pace(
    give: mpsc::Sender<Victim>,
    mut random: Random,
    first: u64,
    mut ended: oneshot::Receiver<()>,
) -> u64 {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in first.. {
        let next = async {
            pace.tick().await;
            give.send(Victim::draw(&mut random, number)).await.expect("the workers run");
        };
        tokio::select! {
            biased;
            _ = &mut ended => return number,
            () = next => {}
        }
    }
    unreachable!("there are numbers enough")
}

/// Revokes what it is given until there is no more.
async fn work(
    mut client: TokenServiceClient<Channel>,
    take: &Mutex<mpsc::Receiver<Victim>>,
    signer: &Signer,
    answered: &Answered,
) {
    loop {
        let Some(victim) = take.lock().await.recv().await else { return };
        let request = RevokeRequest {
            target: Some(victim.target(signer)),
            issuer: ISSUER.to_owned(),
            reason: "stolen".to_owned(),
            ..RevokeRequest::default()
        };
        if let Ok(response) = client.revoke(request).await {
            answered.add(victim, response.into_inner().revision);
        }
    }
}
