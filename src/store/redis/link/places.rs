//! Where the primary is that has a slot.

use super::{
    address::Address,
    cluster::{Slots, SlotsOf},
    connect::Connector,
    sentinel::Sentinels,
};
use crate::store::{redis::trouble::RedisTrouble, settings::Topology};

/// Who knows where primaries are.
#[derive(Debug)]
pub(super) enum Places {
    /// One server, under these names.
    Single(Vec<Address>),
    /// Sentinels.
    Sentinel(Sentinels),
    /// Nodes of a cluster.
    Cluster(Slots),
}

impl Places {
    pub(super) fn new(nodes: Vec<Address>, topology: &Topology, connector: &Connector) -> Self {
        match topology {
            Topology::Single => Self::Single(nodes),
            Topology::Sentinel { master, username, password } => Self::Sentinel(Sentinels::new(
                nodes,
                master.clone(),
                connector,
                username.clone(),
                password.clone(),
            )),
            Topology::Cluster => Self::Cluster(Slots::new(nodes, connector.clone())),
        }
    }

    /// Where the slot's primary may be, the likeliest first, asked for anew.
    pub(super) async fn of(&self, slot: u16) -> Result<Vec<Address>, RedisTrouble> {
        match self {
            Self::Single(nodes) => Ok(nodes.clone()),
            Self::Sentinel(sentinels) => sentinels.primary().await.map(|primary| vec![primary]),
            Self::Cluster(slots) => slots.read().await?.owner(slot).map(|owner| vec![owner.clone()]),
        }
    }

    /// Whether those who know say that it is still there. Nodes say of themselves what they are, and a cluster's node refuses
    /// writes when it is cut off from most others; sentinels choose another primary without its knowing.
    pub(super) async fn still(&self, primary: &Address) -> Result<(), RedisTrouble> {
        match self {
            Self::Single(_) | Self::Cluster(_) => Ok(()),
            Self::Sentinel(sentinels) => sentinels.still(primary).await,
        }
    }

    /// Who has which slots; `None`: one node has all.
    pub(super) fn slots(&self) -> Option<&Slots> {
        match self {
            Self::Single(_) | Self::Sentinel(_) => None,
            Self::Cluster(slots) => Some(slots),
        }
    }
}

impl SlotsOf {
    /// The primary that has a slot.
    pub(super) fn owner(&self, slot: u16) -> Result<&Address, RedisTrouble> {
        self.find(slot).ok_or_else(|| RedisTrouble::refused("CLUSTERDOWN", Some("no node has the slot")))
    }
}
