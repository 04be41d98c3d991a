//! Where a token of another identity provider is.

use llmux_core::{Environment, Error, ErrorKind, ExposeSecret, Result, SecretString};

/// A token, or the place where a platform keeps it and renews it. It is looked up at each use.
pub(crate) struct TokenPlace {
    place: Place,
    environment: Environment,
}

enum Place {
    Here(SecretString),
    File(String),
    Variable(String),
    /// A variable that holds the path of the file.
    FileOfVariable(String),
}

impl TokenPlace {
    /// Understands a token itself, a path, and LiteLLM's `oidc/file/PATH`, `oidc/env/NAME`, `oidc/env_path/NAME`.
    pub(crate) fn read(text: &str, environment: &Environment) -> Self {
        let text = text.trim();
        let after = |prefix: &str| text.strip_prefix(prefix).map(str::to_owned);
        let place = if let Some(path) = after("oidc/file/") {
            Place::File(if path.starts_with(['/', '~']) { path } else { format!("/{path}") })
        } else if let Some(name) = after("oidc/env/") {
            Place::Variable(name)
        } else if let Some(name) = after("oidc/env_path/") {
            Place::FileOfVariable(name)
        } else if text.starts_with(['/', '~']) {
            Place::File(text.to_owned())
        } else {
            Place::Here(text.into())
        };
        Self { place, environment: environment.clone() }
    }

    /// A token in a file.
    pub(crate) fn file(path: impl Into<String>, environment: &Environment) -> Self {
        Self { place: Place::File(path.into()), environment: environment.clone() }
    }

    /// The token as it is now.
    pub(crate) fn token(&self) -> Result<String> {
        let missing = |what: String| Error::new(ErrorKind::Authentication, what);
        let variable = |name: &str| {
            let none =
                || missing(format!("the environment variable `{name}` for an identity token is not set"));
            self.environment.first(&[name]).ok_or_else(none)
        };
        let file = |path: &str| {
            let none = |error| missing(format!("the identity token in `{path}` cannot be read: {error}"));
            self.environment.read(path).map_err(none)
        };
        let token = match &self.place {
            Place::Here(token) => token.expose_secret().to_owned(),
            Place::File(path) => file(path)?,
            Place::Variable(name) => variable(name)?,
            Place::FileOfVariable(name) => file(&variable(name)?)?,
        };
        Ok(token.trim().to_owned())
    }
}
