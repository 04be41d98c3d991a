//! From the name of a model to a deployment, where nothing is sent and any of its deployments will do.

use std::sync::Arc;

use llmux_core::{Error, Result};
use llmux_router::Deployment;

use super::{Entry, Snapshot};

impl Snapshot {
    /// The first deployment of a model, in the order of the configuration, and the provider's name of the model.
    ///
    /// # Errors
    /// 404 when the model is not served.
    pub(crate) fn find(&self, model: &str) -> Result<(Arc<Deployment>, String)> {
        let real = self.aliases.get(model).map_or(model, String::as_str);
        let named = |entry: &&Entry| entry.name == real || entry.id == real;
        let fitting = |entry: &&Entry| entry.name.contains('*') && fits(&entry.name, real);
        let wild = || self.entries.iter().filter(fitting).max_by_key(|entry| entry.name.len());
        let entry = self.entries.iter().find(named).or_else(wild);
        let deployments = self.router.deployments();
        let found = entry.and_then(|entry| deployments.iter().find(|one| one.id().as_str() == entry.id));
        let found = found.ok_or_else(|| unknown(model))?;
        Ok((Arc::clone(found), found.model_for(real).into_owned()))
    }
}

fn unknown(model: &str) -> Error {
    Error::client(llmux_core::ErrorKind::NotFound, format!("the model `{model}` does not exist"))
        .with_param("model")
        .with_code("model_not_found")
}

/// Whether a name is one that a pattern with `*` stands for.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            name.char_indices()
                .map(|(at, _)| at)
                .chain([name.len()])
                .any(|at| name.get(at..).is_some_and(|end| fits(rest, end)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name) in [("*", ""), ("openai/*", "openai/gpt"), ("a*c*", "abbcd"), ("a*", "aé")] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("openai/*", "openai"), ("a*c", "ab"), ("", "a")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
