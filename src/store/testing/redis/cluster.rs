//! A cluster: three primaries, each with a replica.

use redis::Cmd;

use super::{options::Options, ports::Port, server::RedisServer, wait::until};

const PRIMARIES: usize = 3;
const SLOTS: [(u16, u16); PRIMARIES] = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];

/// The nodes: primaries at 0, 1 and 2 at first, with replicas at 3, 4 and 5.
#[derive(Debug)]
pub(crate) struct RedisCluster {
    pub(crate) nodes: Vec<RedisServer>,
    bus: Vec<Port>,
}

impl RedisCluster {
    /// One that notices within a second that a node is gone.
    pub(crate) async fn start(options: &Options) -> Self {
        let (mut nodes, mut bus) = (Vec::new(), Vec::new());
        for _ in 0..2 * PRIMARIES {
            let port = Port::reserve();
            let options = options
                .clone()
                .line("cluster-enabled yes")
                .line(format_args!("cluster-port {}", port.number()))
                .line("cluster-node-timeout 1000")
                .line("cluster-replica-validity-factor 0");
            nodes.push(RedisServer::with(&options).await);
            bus.push(port);
        }
        let cluster = Self { nodes, bus };
        cluster.join().await;
        cluster
    }

    /// Addresses for a configuration.
    pub(crate) fn ports(&self) -> Vec<u16> {
        self.nodes.iter().map(RedisServer::port).collect()
    }

    /// The index of the node that is the primary of a key's slot, as this node sees it.
    pub(crate) async fn owner(&self, seen_by: usize, key: &str) -> Option<usize> {
        let node = &self.nodes[seen_by];
        let slot: i64 = node.try_ask(redis::cmd("CLUSTER").arg("KEYSLOT").arg(key)).await.ok()?;
        let lines: String = node.try_ask(redis::cmd("CLUSTER").arg("NODES")).await.ok()?;
        let line = lines.lines().find(|line| line.contains("master") && has(line, slot))?;
        self.nodes.iter().position(|node| line.contains(&format!("127.0.0.1:{}@", node.port())))
    }

    async fn join(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            node.run::<()>(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1)).await;
            if let Some((first, last)) = SLOTS.get(index) {
                node.run::<()>(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")).await;
            }
            if index > 0 {
                let (port, bus) = (self.nodes[0].port(), self.bus[0].number());
                node.run::<()>(&format!("CLUSTER MEET 127.0.0.1 {port} {bus}")).await;
            }
        }
        self.agreed("the nodes to know each other", |nodes| {
            nodes.lines().count() == 2 * PRIMARIES && !nodes.contains("handshake")
        })
        .await;
        for index in 0..PRIMARIES {
            let primary: String = self.nodes[index].run("CLUSTER MYID").await;
            self.nodes[index + PRIMARIES].run::<()>(&format!("CLUSTER REPLICATE {primary}")).await;
        }
        self.agreed("the replicas to be known", |nodes| {
            nodes.matches(" slave ").count() + nodes.matches("myself,slave ").count() == PRIMARIES
        })
        .await;
        for (index, node) in self.nodes.iter().enumerate() {
            if index < PRIMARIES {
                node.replicas(1).await;
            }
            until("the cluster to be whole", async || {
                let state: String = node.ask(Cmd::new().arg("CLUSTER").arg("INFO")).await;
                state.contains("cluster_state:ok")
            })
            .await;
        }
    }

    async fn agreed(&self, what: &str, view: fn(&str) -> bool) {
        for node in &self.nodes {
            until(what, async || view(&node.run::<String>("CLUSTER NODES").await)).await;
        }
    }
}

/// Whether a line of `CLUSTER NODES` has this slot.
fn has(line: &str, slot: i64) -> bool {
    line.split(' ').skip(8).filter(|range| !range.starts_with('[')).any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.parse::<i64>().unwrap();
        (number(first)..=number(last)).contains(&slot)
    })
}
