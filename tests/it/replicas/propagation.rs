//! A revocation counts everywhere (R2), and whoever revoked never sees the old answer anywhere (R8).
//!
//! `REVOCATION_READS` says how often somebody revokes here and asks there, under load.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use countersign::proto::client::{
    Reason, TokenKind, revoke_request::Target, token_service_client::TokenServiceClient,
    validate_response::Outcome,
};
use serde_json::json;
use tonic::transport::Channel;

use super::set::{AUDIENCE, ISSUER, Replicas, Settings, knowing, revoking};
use crate::{
    revocation::{asked, random::Random, revoking::Revoking, victims::Answered},
    support::{
        redis::RedisServer,
        service::{self, Service},
        tokens::{Signer, claims},
    },
};

/// So many revoke and ask at the same time.
const READERS: u64 = 8;

async fn three(redis: &RedisServer) -> Replicas {
    let settings = Settings::memory(format!("redis://{}", redis.address()));
    Replicas::start(&[settings.clone(), settings.clone(), settings]).await
}

#[tokio::test]
async fn r2_what_is_revoked_on_one_replica_is_refused_on_all() {
    let redis = RedisServer::start().await;
    let replicas = three(&redis).await;
    let token = replicas.token_with_id("one");
    for replica in &replicas.all {
        assert!(replica.validate(&token).await.is_good());
    }
    let revoked = replicas.revoke(0, Target::TokenId("one".to_owned())).await.unwrap();
    for replica in &replicas.all {
        let request = knowing(&token, &revoked.revision);
        let answer = replica.client().await.validate(request).await.unwrap().into_inner();
        let Some(Outcome::Rejection(rejection)) = answer.outcome else { panic!("it passes") };
        assert_eq!(rejection.reason(), Reason::Revoked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r8_who_revokes_on_one_replica_never_sees_the_old_answer_on_another_under_load() {
    let redis = RedisServer::start().await;
    let replicas = three(&redis).await;
    let services: Vec<&Service> = replicas.all.iter().collect();
    let mut random = Random::seeded(asked("REVOCATION_SEED", 1));
    let answered = Arc::new(Answered::default());
    let load = Revoking::start(&services, &replicas.signer, &mut random, 0, &answered).await;
    let (reads, next) = (asked("REVOCATION_READS", 1_000), Arc::new(AtomicU64::new(0)));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..READERS {
        let mut reader = Reader {
            clients: Vec::new(),
            signer: Arc::clone(&replicas.signer),
            random: Random::seeded(random.next()),
        };
        for service in &services {
            reader.clients.push(service.client().await);
        }
        let next = Arc::clone(&next);
        readers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= reads {
                    return Ok(());
                }
                reader.revoke_and_ask(number).await?;
            }
        });
    }
    while let Some(done) = readers.join_next().await {
        done.unwrap().unwrap_or_else(|(replica, error)| {
            let output = replicas.all[replica].output();
            let warnings: Vec<_> = output.lines().filter(|line| !line.contains("DEBUG")).collect();
            panic!("replica {replica}: {error}\n{}", warnings.join("\n"))
        });
    }
    load.stop().await;
    println!("{reads} times revoked and asked elsewhere, beside {} revocations", answered.many());
}

/// Somebody who revokes on one replica and asks on another.
struct Reader {
    clients: Vec<TokenServiceClient<Channel>>,
    signer: Arc<Signer>,
    random: Random,
}

impl Reader {
    /// The error says which replica could not tell.
    async fn revoke_and_ask(&mut self, number: u64) -> Result<(), (usize, String)> {
        let id = format!("read {number}");
        let mut claims = claims(ISSUER, AUDIENCE);
        claims["jti"] = json!(id);
        claims["sid"] = json!(format!("session of {id}"));
        claims["sub"] = json!(format!("subject of {id}"));
        let token = self.signer.access_token(&claims);
        let replicas = u64::try_from(self.clients.len()).unwrap();
        let (here, apart) = (self.random.below(replicas), 1 + self.random.below(replicas - 1));
        let [here, there] =
            [here, (here + apart) % replicas].map(|replica| usize::try_from(replica).unwrap());
        // The old answer, which that replica keeps.
        let said = service::validate(&mut self.clients[there], &token, TokenKind::Access).await;
        assert!(said.is_good(), "{id}: {said:?}");
        let target = match self.random.below(3) {
            0 => Target::TokenId(id.clone()),
            1 => Target::SessionId(format!("session of {id}")),
            _ => Target::Subject(format!("subject of {id}")),
        };
        let revoked = self.clients[here].revoke(revoking(target)).await.unwrap().into_inner();
        let answer = self.clients[there].validate(knowing(&token, &revoked.revision)).await;
        let outcome = answer.map_err(|status| (there, format!("{id}: {status}")))?.into_inner().outcome;
        let Some(Outcome::Rejection(rejection)) = outcome else {
            panic!("{id}: revoked on replica {here}, and passes on replica {there}")
        };
        assert_eq!(rejection.reason(), Reason::Revoked, "{id}");
        Ok(())
    }
}
