//! Recraft: images in OpenAI's form, and images changed in one of its own.
//!
//! Source: "Generate image" and "Image to image" of Recraft's API reference.

use std::sync::Arc;

use llmux_core::{
    Call, Component, Error, Exchange, FailedReply, Operation, Provider, ProviderSettings, Result,
};
use llmux_wire::openai;

use crate::{
    account::Account,
    compatible::{
        Compatible,
        table::{Host, Media, Paths},
    },
};

pub(crate) static ACCOUNT: Account = Account {
    name: "recraft",
    title: "Recraft",
    base_url: "https://external.api.recraft.ai/v1",
    key_env: &["RECRAFT_API_KEY"],
    base_env: &["RECRAFT_API_BASE"],
    auth: ("authorization", "Bearer"),
};

/// What passes.
static HOST: Host = Host {
    name: ACCOUNT.name,
    title: ACCOUNT.title,
    base_url: Some(ACCOUNT.base_url),
    key_env: ACCOUNT.key_env,
    base_env: ACCOUNT.base_env,
    paths: Paths {
        media: Media {
            images: Some("/images/generations"),
            image_edits: Some("/images/imageToImage"),
            image_variations: Some("/images/variateImage"),
            ..Media::NONE
        },
        ..Paths::CHAT
    },
    ..Host::DEFAULT
};

/// How much a changed image may differ, where nobody says: LiteLLM's figure.
const STRENGTH: (&str, &str) = ("strength", "0.2");

/// Recraft, bound to a deployment's settings.
pub(crate) struct Recraft(Compatible);

impl Component for Recraft {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = "recraft";

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Self(Compatible::build(&HOST, settings)?)))
    }
}

impl Provider for Recraft {
    fn name(&self) -> &str {
        ACCOUNT.name
    }

    fn base_url(&self) -> &str {
        self.0.base_url()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::ImageGeneration | Operation::ImageVariation => self.0.prepare(call),
            Operation::ImageEdit => {
                let mut exchange = self.0.prepare(call)?;
                if let Some(form) = &mut exchange.form
                    && call.envelope.find(call.body, STRENGTH.0).is_none()
                    && !form.replaces(STRENGTH.0)
                {
                    form.add.push((STRENGTH.0.to_owned(), STRENGTH.1.to_owned()));
                }
                Ok(exchange)
            }
            _ => Err(ACCOUNT.lacks(call)),
        }
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        openai::read_error(failed.status, failed.headers, failed.body, ACCOUNT.title)
    }
}
