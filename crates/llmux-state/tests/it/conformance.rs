//! All implementations keep the same rules.

use std::sync::Arc;

use llmux_core::SharedState;
use llmux_state::{
    MemoryHub,
    redis::{RedisServer, RedisSettings, RedisState},
};
use llmux_testkit::{RedisCluster, RedisProcess, conformance};

/// A server on a busy machine may be slower than one that serves.
pub(crate) const PATIENT: std::time::Duration = std::time::Duration::from_secs(5);

pub(crate) fn redis(server: RedisServer) -> Arc<RedisState> {
    RedisState::connect(&RedisSettings::new(server).with_timeout(PATIENT)).unwrap()
}

#[tokio::test]
async fn memory_keeps_the_rules() {
    let hub = MemoryHub::new();
    let (one, other) = (hub.join("one"), hub.join("other"));
    conformance::shared_state(&(one as Arc<dyn SharedState>), &(other as Arc<dyn SharedState>)).await;
}

#[tokio::test]
async fn redis_keeps_the_rules() {
    let Some(server) = RedisProcess::start().await else { return };
    let at = || RedisServer::One { host: "127.0.0.1".to_owned(), port: server.port() };
    let (one, other): (Arc<dyn SharedState>, Arc<dyn SharedState>) = (redis(at()), redis(at()));
    conformance::shared_state(&one, &other).await;
}

#[tokio::test]
async fn a_cluster_of_redis_keeps_the_rules() {
    let Some(cluster) = RedisCluster::start().await else { return };
    let at = |node: usize| {
        let node = cluster.nodes.get(node).unwrap();
        RedisServer::Cluster(vec![("127.0.0.1".to_owned(), node.port())])
    };
    let (one, other): (Arc<dyn SharedState>, Arc<dyn SharedState>) = (redis(at(0)), redis(at(2)));
    conformance::shared_state(&one, &other).await;
}
