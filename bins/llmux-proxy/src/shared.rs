//! What this replica shares with others: from LiteLLM's names for a Redis to the Redis itself.

use std::{sync::Arc, time::Duration};

use llmux::{
    router::{Replication, ReplicationOptions, RouterState, SharedLimits},
    state::redis::{RedisServer, RedisSettings, RedisState},
};
use llmux_config::Router;
use llmux_core::{Environment, ExposeSecret};
use serde_json::Value;

/// The state that replicas share, not started yet.
pub(crate) struct Shared {
    redis: Arc<RedisState>,
    replication: Replication,
}

impl Shared {
    /// Shares the router's state as the configuration says; `None` when it says nothing, or the state is shared
    /// already: what is shared is fixed at the start.
    pub(crate) fn read(
        section: &Router,
        environment: &Environment,
        state: &Arc<RouterState>,
    ) -> Result<Option<Self>, String> {
        let wrong = |problem: String| format!("error: router_settings.{problem}");
        let Some(settings) = settings(section, environment).map_err(wrong)? else { return Ok(None) };
        let options = options(section).map_err(wrong)?;
        let redis =
            RedisState::new(&settings).map_err(|error| wrong(format!("redis_*: {}", error.message())))?;
        let replication = state.share(Arc::clone(&redis) as _, options);
        Ok(replication.map(|replication| Self { redis, replication }))
    }

    /// Begins to share. Waits a moment for what other replicas know, so that the first request finds it.
    pub(crate) async fn start(self) {
        self.redis.start();
        self.replication.greet().await;
        tokio::spawn(self.replication.run());
    }
}

fn options(section: &Router) -> Result<ReplicationOptions, String> {
    let shared = section.shared_state.clone().unwrap_or_default();
    let mut options = ReplicationOptions::default();
    options.limits = match shared.limits.as_str() {
        "exact" => SharedLimits::Exact,
        "local" => SharedLimits::Local,
        _ => SharedLimits::Leased,
    };
    if shared.overshoot > 1.0 {
        return Err("shared_state.overshoot: must be a share from 0 to 1".to_owned());
    }
    options.overshoot = shared.overshoot;
    options.fail_closed = shared.fail_closed;
    options.interval = shared.sync_interval;
    Ok(options)
}

/// The Redis to share, if there is to be one. The file's own keys come first, then `cache_kwargs`, then the
/// environment: a variable alone shares nothing.
fn settings(section: &Router, environment: &Environment) -> Result<Option<RedisSettings>, String> {
    let names = Names { section, environment };
    let shared = section.shared_state.as_ref();
    let wanted =
        ["url", "host", "startup_nodes", "sentinel_nodes"].into_iter().any(|name| names.file(name).is_some());
    if !wanted && shared.is_none() {
        return Ok(None);
    }
    let Some(server) = names.server()? else {
        return Err(
            "shared_state: there is no Redis: set `redis_host`, `redis_url` or the variable REDIS_HOST"
                .to_owned(),
        );
    };
    let namespace = shared.map_or_else(|| "llmux".to_owned(), |shared| shared.namespace.clone());
    if namespace.is_empty() || namespace.contains(['{', '}']) {
        return Err("shared_state.namespace: must be text without braces".to_owned());
    }
    let timeout = match shared.and_then(|shared| shared.command_timeout) {
        Some(timeout) => timeout,
        None => names.seconds("socket_timeout")?.unwrap_or(RedisSettings::TIMEOUT),
    };
    let mut settings = RedisSettings::new(server)
        .with_user(names.text("username"), names.text("password").map(Into::into))
        .with_database(names.number("db")?.map(|db| u8::try_from(db).unwrap_or(u8::MAX)))
        .with_namespace(namespace)
        .with_timeout(timeout);
    let roots = names.text("ssl_ca_certs");
    if roots.is_some() || names.flag("ssl")? {
        let read = |path: String| {
            let pem = environment.read(&path).map_err(|error| format!("redis_ssl_ca_certs: {path}: {error}"));
            pem.map(String::into_bytes)
        };
        settings = settings.with_tls(roots.map(read).transpose()?);
    }
    Ok(Some(settings))
}

/// Where values are looked up.
struct Names<'a> {
    section: &'a Router,
    environment: &'a Environment,
}

impl Names<'_> {
    /// What the file says.
    fn file(&self, name: &str) -> Option<Value> {
        let section = self.section;
        let text = |text: &Option<String>| text.clone().map(Value::String);
        let secret = |secret: &Option<llmux_core::SecretString>| {
            secret.as_ref().map(|secret| Value::String(secret.expose_secret().to_owned()))
        };
        let own = match name {
            "url" => secret(&section.redis_url),
            "host" => text(&section.redis_host),
            "port" => section.redis_port.map(Value::from),
            "username" => text(&section.redis_username),
            "password" => secret(&section.redis_password),
            "db" => section.redis_db.map(Value::from),
            "ssl" => section.redis_ssl.map(Value::from),
            "ssl_ca_certs" => text(&section.redis_ssl_ca_certs),
            "startup_nodes" => section.redis_startup_nodes.clone(),
            "sentinel_nodes" => section.redis_sentinel_nodes.clone(),
            "service_name" => text(&section.redis_service_name),
            "sentinel_password" => secret(&section.redis_sentinel_password),
            _ => None,
        };
        let kwargs = || self.section.cache_kwargs.get(name).cloned();
        let prefixed = || self.section.cache_kwargs.get(&format!("redis_{name}")).cloned();
        own.or_else(kwargs).or_else(prefixed).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    fn value(&self, name: &str) -> Option<Value> {
        let variable = match name {
            "startup_nodes" => "REDIS_CLUSTER_NODES".to_owned(),
            name => format!("REDIS_{}", name.to_uppercase()),
        };
        let of_environment = || self.environment.first(&[&variable]);
        // A service called `redis` makes Kubernetes set REDIS_PORT to an address.
        let of_environment = || of_environment().filter(|value| name != "port" || !value.contains("://"));
        self.file(name).or_else(|| of_environment().map(Value::String))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    fn number(&self, name: &str) -> Result<Option<u16>, String> {
        let read = |text: String| text.parse().map_err(|_| format!("redis_{name}: expected a whole number"));
        self.text(name).map(read).transpose()
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>, String> {
        let read = |text: String| {
            let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            seconds
                .filter(|time| !time.is_zero())
                .ok_or_else(|| format!("redis_{name}: expected seconds above 0"))
        };
        self.text(name).map(read).transpose()
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match self.text(name).map(|text| text.to_lowercase()).as_deref() {
            None | Some("false" | "0" | "no") => Ok(false),
            Some("true" | "1" | "yes") => Ok(true),
            Some(_) => Err(format!("redis_{name}: expected `true` or `false`")),
        }
    }

    /// Hosts and ports: `[{"host": …, "port": …}]` or `[[host, port]]`, also as JSON in a text.
    fn nodes(&self, name: &str) -> Result<Option<Vec<(String, u16)>>, String> {
        let wrong = || format!("redis_{name}: expected a list of hosts with their ports");
        let Some(mut value) = self.value(name) else { return Ok(None) };
        if let Some(text) = value.as_str() {
            value = serde_json::from_str(text).map_err(|_| wrong())?;
        }
        let node = |node: &Value| {
            let (host, port) = match node {
                Value::Array(pair) => (pair.first()?, pair.get(1)?),
                node => (node.get("host")?, node.get("port")?),
            };
            let port = port.as_str().map_or_else(|| port.to_string(), str::to_owned).parse().ok()?;
            Some((host.as_str()?.to_owned(), port))
        };
        let nodes: Option<Vec<_>> = value.as_array().and_then(|nodes| nodes.iter().map(node).collect());
        nodes.filter(|nodes| !nodes.is_empty()).map(Some).ok_or_else(wrong)
    }

    /// A cluster, sentinels, an address or a host: the first that there is.
    fn server(&self) -> Result<Option<RedisServer>, String> {
        if let Some(nodes) = self.nodes("startup_nodes")? {
            return Ok(Some(RedisServer::Cluster(nodes)));
        }
        if let Some(nodes) = self.nodes("sentinel_nodes")? {
            let service = self.text("service_name").ok_or("redis_service_name: needed with sentinels")?;
            return Ok(Some(RedisServer::Sentinels {
                nodes,
                service,
                password: self.text("sentinel_password").map(Into::into),
            }));
        }
        if let Some(url) = self.text("url") {
            return Ok(Some(RedisServer::Url(url.into())));
        }
        let Some(host) = self.text("host") else { return Ok(None) };
        Ok(Some(RedisServer::One { host, port: self.number("port")?.unwrap_or(6379) }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn section(settings: Value) -> Router {
        serde_json::from_value(settings).unwrap()
    }

    fn shown(settings: Value, variables: &'static [(&'static str, &'static str)]) -> String {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let environment = Environment::new(find);
        match settings_of(settings, &environment) {
            Ok(None) => "none".to_owned(),
            Ok(Some(settings)) => format!("{settings:?}"),
            Err(problem) => problem,
        }
    }

    fn settings_of(value: Value, environment: &Environment) -> Result<Option<RedisSettings>, String> {
        settings(&section(value), environment)
    }

    #[test]
    fn the_file_comes_before_the_clients_settings_and_these_before_the_environment() {
        let all = json!({"redis_host": "file", "cache_kwargs": {"host": "kwargs", "port": "7000", "db": 2}});
        let read = shown(all, &[("REDIS_HOST", "env"), ("REDIS_PASSWORD", "secret"), ("REDIS_PORT", "1")]);
        assert!(read.contains("RedisServer(file:7000)") && read.contains("Some(2)"), "{read}");
        assert!(!read.contains("secret"), "{read}");
        let read =
            shown(json!({"shared_state": {}}), &[("REDIS_HOST", "env"), ("REDIS_PORT", "tcp://10.0.0.1:1")]);
        assert!(read.contains("RedisServer(env:6379)"), "{read}");
        assert_eq!(shown(json!({}), &[("REDIS_HOST", "env")]), "none");
    }

    #[test]
    fn clusters_and_sentinels_are_lists_in_the_file_or_texts_in_variables() {
        let nodes = json!({"redis_startup_nodes": [{"host": "a", "port": 1}, {"host": "b", "port": "2"}]});
        assert!(shown(nodes, &[]).contains("cluster of a:1, b:2"));
        let read =
            shown(json!({"shared_state": {}}), &[("REDIS_CLUSTER_NODES", r#"[{"host": "a", "port": 1}]"#)]);
        assert!(read.contains("cluster of a:1"), "{read}");
        let sentinels = json!({"redis_sentinel_nodes": [["a", 1]], "redis_service_name": "main"});
        assert!(shown(sentinels, &[]).contains("main at sentinels a:1"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (settings, word) in [
            (json!({"shared_state": {}}), "REDIS_HOST"),
            (json!({"redis_startup_nodes": "a:1"}), "redis_startup_nodes"),
            (json!({"redis_startup_nodes": []}), "redis_startup_nodes"),
            (json!({"redis_sentinel_nodes": [["a", 1]]}), "redis_service_name"),
            (json!({"redis_host": "a", "shared_state": {"namespace": "{x}"}}), "namespace"),
            (json!({"redis_host": "a", "cache_kwargs": {"socket_timeout": "soon"}}), "socket_timeout"),
            (json!({"redis_host": "a", "cache_kwargs": {"ssl": "perhaps"}}), "redis_ssl"),
            (json!({"redis_host": "a", "cache_kwargs": {"port": "http"}}), "redis_port"),
        ] {
            let problem = shown(settings.clone(), &[]);
            assert!(problem.contains(word), "{settings}: {problem}");
        }
        let much = section(json!({"redis_host": "a", "shared_state": {"overshoot": 2.0}}));
        assert!(options(&much).unwrap_err().contains("overshoot"));
    }
}
