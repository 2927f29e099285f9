//! Callers that ask about valid tokens without a pause, and take no refusal.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign::proto::client::{TokenKind, token_service_client::TokenServiceClient};
use tokio::{
    sync::watch::{self, Receiver, Sender},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::support::{
    service::{Service, validate},
    wait::until,
};

const CALLERS: usize = 4;
const FOR_A_ROUND: Duration = Duration::from_mins(1);

/// Running callers. They end when this is dropped.
pub(crate) struct Load {
    tokens: Sender<Vec<String>>,
    seen: Arc<Seen>,
    stop: CancellationToken,
    callers: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    /// Rounds that a caller finished, each over all tokens there were when it began.
    rounds: [AtomicU64; CALLERS],
    refused: Mutex<Vec<String>>,
}

impl Load {
    /// Starts asking about these tokens, in turn.
    pub(crate) async fn start(service: &Service, tokens: Vec<String>) -> Self {
        let (tokens, receiver) = watch::channel(tokens);
        let (seen, stop) = (Arc::<Seen>::default(), CancellationToken::new());
        let mut callers = JoinSet::new();
        for number in 0..CALLERS {
            let client = service.client().await;
            callers.spawn(call(number, client, receiver.clone(), Arc::clone(&seen), stop.clone()));
        }
        Self { tokens, seen, stop, callers }
    }

    /// Asks about others from now on; a round that has begun is finished.
    pub(crate) fn set_tokens(&self, tokens: Vec<String>) {
        self.tokens.send_replace(tokens);
    }

    /// Waits until every caller has begun and finished `more` rounds. Fails the test if a token was refused.
    pub(crate) async fn rounds(&self, more: u64) {
        // The round that runs now may have begun with other tokens.
        let goals: Vec<_> = self.counts().map(|count| count + more + 1).collect();
        until("the callers to go round", FOR_A_ROUND, async || {
            self.check();
            self.counts().zip(&goals).all(|(count, goal)| count >= *goal).then_some(())
        })
        .await;
    }

    /// Ends it. Fails the test if a token was refused.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.callers.join_next().await {
            ended.unwrap();
        }
        self.check();
    }

    fn counts(&self) -> impl Iterator<Item = u64> {
        self.seen.rounds.iter().map(|rounds| rounds.load(Ordering::SeqCst))
    }

    fn check(&self) {
        let refused = self.seen.refused.lock().unwrap();
        assert!(refused.is_empty(), "valid tokens were not accepted: {refused:?}");
    }
}

async fn call(
    number: usize,
    mut client: TokenServiceClient<Channel>,
    tokens: Receiver<Vec<String>>,
    seen: Arc<Seen>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let round = tokens.borrow().clone();
        for token in &round {
            let said = validate(&mut client, token, TokenKind::Access).await;
            if !said.is_good() {
                seen.refused.lock().unwrap().push(format!("{said:?}"));
            }
        }
        seen.rounds[number].fetch_add(1, Ordering::SeqCst);
    }
}
