//! The contract of every store, however Redis is set up: servers for all rules, a prefix for each.

use super::*;
use crate::{
    domain::secret::Secret,
    store::{
        settings::RedisTls,
        testing::{
            TempDir,
            contract::check_whole_contract,
            redis::{Authority, MASTER, RedisCluster, RedisSentinels},
        },
    },
};

#[tokio::test]
async fn the_contract_holds_behind_sentinels() {
    let servers = RedisSentinels::start(1, &Options::default(), "").await;
    let topology = Topology::Sentinel { master: MASTER.to_owned(), username: None, password: None };
    let settings =
        RedisSettings { topology, durability: Durability::Replicas(1), ..reached_at(&servers.ports()) };
    let kept = Arc::new(servers);
    check_whole_contract!(Place::at(settings.clone(), Arc::clone(&kept)));
}

#[tokio::test]
async fn the_contract_holds_in_a_cluster() {
    let servers = RedisCluster::start(&Options::default()).await;
    let settings = RedisSettings {
        topology: Topology::Cluster,
        durability: Durability::Replicas(1),
        ..reached_at(&servers.ports())
    };
    let kept = Arc::new(servers);
    check_whole_contract!(Place::at(settings.clone(), Arc::clone(&kept)));
}

/// What the user may do, and no more, as operators are told.
fn documented_rules() -> String {
    let documented = include_str!("../../../../docs/operations.md");
    let rules =
        documented.lines().find_map(|line| line.strip_prefix("ACL SETUSER countersign on >PASSWORD "));
    let commands = rules.unwrap().strip_prefix("~countersign:* ~{countersign}:* ").unwrap();
    format!(">some-password ~test-* ~{{test-* {commands}")
}

#[tokio::test]
async fn the_contract_holds_for_a_user_of_little_might_over_tls() {
    let (authority, dir) = (Authority::new(), TempDir::new());
    let rules = documented_rules();
    let options = Options::default().tls(&authority).no_default_user().user("countersign", &rules);
    let server = RedisServer::with(&options.append_only(Fsync::Always)).await;
    authority.write(&dir.path("ca"));
    let settings = RedisSettings {
        username: Some("countersign".to_owned()),
        password: Some(Secret::new(b"some-password".to_vec())),
        tls: Some(RedisTls { ca: Some(dir.path("ca")), client: None }),
        durability: Durability::Fsync,
        ..reached_at(&[server.port()])
    };
    let kept = Arc::new(server);
    check_whole_contract!(Place::at(settings.clone(), Arc::clone(&kept)));
}
