//! What happens to a parameter that the target dialect cannot carry.

use llmux_core::{Error, Result, Shaping};

/// Collects what does not fit while a request is written in another dialect.
#[derive(Debug)]
pub struct Fit<'a> {
    target: &'a str,
    shaping: &'a Shaping,
    drop_params: bool,
    dropped: Vec<String>,
}

impl<'a> Fit<'a> {
    /// `target` names the provider in errors.
    #[must_use]
    pub fn new(target: &'a str, shaping: &'a Shaping) -> Self {
        Self { target, shaping, drop_params: shaping.drop_params, dropped: Vec::new() }
    }

    /// Drops what does not fit if this request asks for it, whatever the deployment's settings say.
    #[must_use]
    pub fn dropping(mut self, drop: bool) -> Self {
        self.drop_params |= drop;
        self
    }

    /// Whether the deployment's settings let this parameter through although it is not known to fit.
    #[must_use]
    pub fn allows(&self, param: &str) -> bool {
        self.shaping.allowed_params.iter().any(|allowed| allowed == param)
    }

    /// The parameter cannot be carried: left out if the deployment drops such parameters, else refused.
    ///
    /// # Errors
    /// A 400 that names the parameter and how to drop it.
    pub fn refuse(&mut self, param: &str) -> Result<()> {
        if self.drop_params {
            self.dropped.push(param.to_owned());
            return Ok(());
        }
        Err(Error::unsupported(
            param,
            format!(
                "{} does not support the parameter `{param}`; leave it out, or set `drop_params: true` to have \
                 such parameters dropped",
                self.target
            ),
        ))
    }

    /// A field of Gemini's or Converse's own in a request for another provider: rules for Gemini's filters, labels and
    /// hints about speed are left out, anything else is as [`refuse`](Self::refuse) has it.
    ///
    /// # Errors
    /// As for [`refuse`](Self::refuse).
    pub(crate) fn foreign(&mut self, name: &str) -> Result<()> {
        let hints = ["safetySettings", "labels", "requestMetadata", "performanceConfig"];
        if hints.contains(&name) || name == "additionalModelResponseFieldPaths" {
            self.drop(name);
            return Ok(());
        }
        self.refuse(name)
    }

    /// Something that changes nothing important was left out.
    pub fn drop(&mut self, param: &str) {
        self.dropped.push(param.to_owned());
    }

    /// The parameters that were left out.
    #[must_use]
    pub fn into_dropped(self) -> Vec<String> {
        self.dropped
    }
}
