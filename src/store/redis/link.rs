//! The connection to one Redis server.

use std::{fmt, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo as _, Pipeline,
    RedisConnectionInfo, RedisError, Value, aio::MultiplexedConnection,
};
use tokio::sync::Mutex;

use super::super::{
    error::StoreError,
    settings::{Durability, RedisSettings},
};

/// Longer, and the server counts as gone.
const BOUND: Duration = Duration::from_secs(2);

/// Connects when it is asked something, and anew after an error.
pub(super) struct Link {
    client: Client,
    prefix: String,
    durability: Durability,
    connection: Mutex<Option<MultiplexedConnection>>,
    blocking: Mutex<Option<MultiplexedConnection>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Link {
    #[expect(clippy::unused_async, reason = "what checks the server asks it")]
    pub(super) async fn open(settings: &RedisSettings) -> Result<Self, StoreError> {
        let Some(node) = settings.nodes.first() else { return Err(StoreError::NoKeyRing) };
        let info = ConnectionAddr::Tcp(node.host.clone(), node.port)
            .into_connection_info()
            .map_err(failed)?
            .set_redis_settings(RedisConnectionInfo::default().set_db(i64::from(settings.database)));
        Ok(Self {
            client: Client::open(info).map_err(failed)?,
            prefix: settings.prefix.clone(),
            durability: settings.durability,
            connection: Mutex::new(None),
            blocking: Mutex::new(None),
        })
    }

    pub(super) async fn home(&self, commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let mut connection = self.connected(&self.connection, BOUND).await?;
        let answers = connection.send_packed_commands(commands, 0, commands.len()).await;
        if answers.is_err() {
            *self.connection.lock().await = None;
        }
        answers.map_err(failed)
    }

    pub(super) async fn home_durably(&self, commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let Durability::Replicas(replicas) = self.durability else { return self.home(commands).await };
        let mut commands = commands.clone();
        commands.cmd("WAIT").arg(replicas).arg(1000);
        let mut answers = self.home(&commands).await?;
        match answers.pop() {
            Some(Value::Int(count)) if count >= i64::from(replicas) => Ok(answers),
            _too_few => Err(super::reply::unexpected()),
        }
    }

    pub(super) async fn at(&self, _key: &[u8], commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        self.home(commands).await
    }

    pub(super) async fn blocking(&self, command: &Cmd, wait: Duration) -> Result<Value, StoreError> {
        let mut connection = self.connected(&self.blocking, wait.saturating_add(BOUND)).await?;
        // Whoever gives up leaves it blocked: the next one gets another.
        drop(self.blocking.lock().await.take());
        let answer = connection.send_packed_command(command).await.map_err(failed)?;
        *self.blocking.lock().await = Some(connection);
        Ok(answer)
    }

    #[expect(dead_code, reason = "exports ask for them")]
    pub(super) async fn scan(&self, pattern: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("KEYS").arg(pattern);
        let keys = super::reply::only(self.home(&pipeline).await?)?;
        super::reply::list(keys)?.into_iter().map(super::reply::bytes).collect()
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    async fn connected(
        &self,
        place: &Mutex<Option<MultiplexedConnection>>,
        bound: Duration,
    ) -> Result<MultiplexedConnection, StoreError> {
        let mut place = place.lock().await;
        if let Some(connection) = &mut *place {
            connection.set_response_timeout(bound);
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(BOUND))
            .set_response_timeout(Some(bound));
        let connection =
            self.client.get_multiplexed_async_connection_with_config(&config).await.map_err(failed)?;
        *place = Some(connection.clone());
        Ok(connection)
    }
}

fn failed(error: RedisError) -> StoreError {
    StoreError::Redis { code: error.code().map(ToOwned::to_owned), source: Arc::new(error) }
}
