//! fal: images at once, recordings by its queue.
//!
//! Source: "Synchronous requests" and "Queue API" of fal's documentation, and the pages of its models.

mod recordings;

use http::Uri;
use llmux_core::{
    Call, Error, ErrorKind, Exchange, FailedReply, Operation, Outgoing, ProviderSettings, Result,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    account::{Account, Host},
    drawing::{Drawing, Image},
    hearing,
    target::Target,
};

pub(crate) static ACCOUNT: Account = Account {
    name: "fal_ai",
    title: "fal",
    base_url: "https://fal.run",
    key_env: &["FAL_AI_API_KEY", "FAL_KEY"],
    base_env: &["FAL_AI_API_BASE"],
    auth: ("authorization", "Key"),
};

/// Domains that the key may go to.
const OWN: &[&str] = &["fal.run", "fal.ai"];

/// fal, bound to a deployment's settings.
pub(crate) struct Fal {
    settings: ProviderSettings,
    target: Target,
    hosts: Hosts,
}

/// Where it answers beside its base URL.
struct Hosts {
    queue: String,
    storage: Uri,
}

impl Host for Fal {
    const ACCOUNT: &'static Account = &ACCOUNT;
    const READS_FORMS: bool = true;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let target = ACCOUNT.target(settings)?;
        // Another address stands for all of them.
        let at = |usual: &str| {
            if target.base() == ACCOUNT.base_url { usual.to_owned() } else { target.base().to_owned() }
        };
        let storage =
            format!("{}/storage/upload/initiate?storage_type=fal-cdn-v3", at("https://rest.fal.ai"));
        let storage =
            storage.parse().map_err(|_| crate::target::setting("api_base", "is not a valid URL"))?;
        let hosts = Hosts { queue: at("https://queue.fal.run"), storage };
        Ok(Self { settings: settings.clone(), hosts, target })
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::ImageGeneration => self.draw(call),
            Operation::Transcription | Operation::Translation => {
                recordings::listen(call, &self.settings, &self.target, &self.hosts)
            }
            _ => Err(ACCOUNT.lacks(call)),
        }
    }

    fn refine(failed: &FailedReply<'_>, error: Error) -> Error {
        // Its word for what is refused, inside an ordinary 422.
        let refused = memchr::memmem::find(failed.body, b"content_policy_violation").is_some();
        if refused { error.with_kind(ErrorKind::ContentPolicy) } else { error }
    }
}

impl Fal {
    fn draw(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut drawing = Drawing::of(call, &self.settings, ACCOUNT.title)?.with_prompt()?;
        let uri = format!("{}/{}", self.target.base(), call.model).parse().map_err(|_| bad_name())?;
        let mut body = Map::new();
        body.insert("prompt".into(), drawing.prompt.as_str().into());
        if drawing.count > 1 {
            body.insert("num_images".into(), drawing.count.into());
        }
        if let Some((width, height)) = drawing.size {
            // Models of one maker each take one of the two.
            if by_aspect(call.model) {
                body.extend(drawing.aspect().map(|aspect| ("aspect_ratio".to_owned(), aspect.into())));
            } else {
                body.insert("image_size".into(), json!({ "width": width, "height": height }));
            }
        }
        body.extend(drawing.format.take().map(|format| ("output_format".to_owned(), format.into())));
        body.extend(std::mem::take(&mut drawing.own));
        let request = self.target.post(&uri, Value::Object(body).to_string().into());
        let painter: fn(&[u8]) -> Result<Vec<Image>> = read;
        Ok(drawing.exchange(call, Outgoing::Send(request), &self.target, painter))
    }
}

/// Whether a model takes proportions in place of sizes.
fn by_aspect(model: &str) -> bool {
    ["ultra", "imagen", "kontext", "gemini", "nano-banana"].iter().any(|word| model.contains(word))
}

/// A model's name that makes no address.
fn bad_name() -> Error {
    Error::client(ErrorKind::InvalidRequest, "the model's name cannot stand in a URL").with_param("model")
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    images: Vec<File>,
    image: Option<File>,
    #[serde(default)]
    has_nsfw_concepts: Vec<bool>,
}

#[derive(Deserialize)]
struct File {
    url: String,
}

fn read(body: &[u8]) -> Result<Vec<Image>> {
    let answer: Answer = hearing::json(body)?;
    let files = answer.images.iter().chain(&answer.image);
    let images: Vec<_> = files.map(|file| Image::at(&file.url)).collect();
    // What its filter finds is blackened: no image is left.
    if !images.is_empty()
        && answer.has_nsfw_concepts.len() == images.len()
        && answer.has_nsfw_concepts.iter().all(|found| *found)
    {
        return Err(Error::upstream(ErrorKind::ContentPolicy, "fal's filter has found every image unsafe"));
    }
    Ok(images)
}
