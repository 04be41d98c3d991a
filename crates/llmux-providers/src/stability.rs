//! Stability AI: images, and images changed.
//!
//! Source: "Stable Image" (generate, edit, upscale, control) of Stability AI's REST API, version 2 beta.

use bytes::Bytes;
use http::{
    HeaderValue, Request, Uri,
    header::{ACCEPT, CONTENT_TYPE},
};
use llmux_core::{
    Call, Error, ErrorKind, Exchange, FailedReply, FormEdits, Operation, Outgoing, ProviderSettings, Result,
    Step, StepAnswer,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    account::{Account, Host},
    drawing::{Drawing, Image, Painted, Painter},
    hearing,
    target::Target,
};

pub(crate) static ACCOUNT: Account = Account {
    name: "stability",
    title: "Stability AI",
    base_url: "https://api.stability.ai",
    key_env: &["STABILITY_API_KEY"],
    base_env: &["STABILITY_API_BASE"],
    auth: ("authorization", "Bearer"),
};

/// What models are asked at; all others are those of Stable Diffusion 3.
const PATHS: &[(&str, &str)] = &[
    ("stable-image-ultra", "generate/ultra"),
    ("stable-image-core", "generate/core"),
    ("inpaint", "edit/inpaint"),
    ("outpaint", "edit/outpaint"),
    ("erase", "edit/erase"),
    ("search-and-replace", "edit/search-and-replace"),
    ("search-and-recolor", "edit/search-and-recolor"),
    ("remove-background", "edit/remove-background"),
    ("fast", "upscale/fast"),
    ("conservative", "upscale/conservative"),
    ("sketch", "control/sketch"),
    ("structure", "control/structure"),
    ("style-transfer", "control/style-transfer"),
    ("style", "control/style"),
];
const DIFFUSION: &str = "generate/sd3";
const FILES: &[(&str, &str)] = &[("image", "image"), ("image[]", "image"), ("mask", "mask")];
/// How much a changed image may differ, where nobody says: LiteLLM has none, and the API wants one.
const STRENGTH: &str = "0.65";
/// What separates the fields of forms that are written here; it stands in none of them.
const BOUNDARY: &str = "llmux-5b1f0c8e93d24a67";

/// Stability AI, bound to a deployment's settings.
pub(crate) struct Stability {
    settings: ProviderSettings,
    target: Target,
}

impl Host for Stability {
    const ACCOUNT: &'static Account = &ACCOUNT;
    const READS_FORMS: bool = true;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let target = ACCOUNT.target(settings)?;
        let _: Uri = target.uri("/v2beta")?;
        Ok(Self { settings: settings.clone(), target })
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::ImageGeneration => self.draw(call),
            Operation::ImageEdit | Operation::ImageVariation => self.change(call),
            _ => Err(ACCOUNT.lacks(call)),
        }
    }

    fn refine(failed: &FailedReply<'_>, error: Error) -> Error {
        let named = serde_json::from_slice::<Value>(failed.body).unwrap_or_default();
        match named.get("name").and_then(Value::as_str) {
            Some("content_moderation") => error.with_kind(ErrorKind::ContentPolicy),
            _ => error,
        }
    }
}

impl Stability {
    fn request(&self, path: &str, body: Bytes) -> Result<Request<Bytes>> {
        let uri = self.target.uri(&format!("/v2beta/stable-image/{path}"))?;
        let mut request = self.target.post(&uri, body);
        // Else the image itself is the answer, without a word about what was filtered.
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// The fields of a form, and the drawing that they are about.
    fn fields(&self, call: &Call<'_>, path: &str) -> Result<(Drawing, Vec<(String, String)>)> {
        let mut drawing = Drawing::of(call, &self.settings, ACCOUNT.title)?;
        let mut fields = Vec::new();
        let mut set = |name: &str, value: String| fields.push((name.to_owned(), value));
        if !drawing.prompt.is_empty() {
            set("prompt", drawing.prompt.clone());
        }
        if path == DIFFUSION {
            set("model", call.model.to_owned());
        }
        if let Some(aspect) = drawing.aspect().filter(|_| call.operation == Operation::ImageGeneration) {
            set("aspect_ratio", aspect.to_owned());
        }
        if let Some(format) = drawing.format.take() {
            set("output_format", format);
        }
        for (name, value) in std::mem::take(&mut drawing.own) {
            set(&name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        Ok((drawing, fields))
    }

    fn draw(&self, call: &Call<'_>) -> Result<Exchange> {
        let path = path(call.model);
        let (drawing, fields) = self.fields(call, path)?;
        let drawing = drawing.with_prompt()?;
        let mut request = self.request(path, form(&fields))?;
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={BOUNDARY}"));
        request
            .headers_mut()
            .insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("multipart/form-data")));
        let left = drawing.count.saturating_sub(1);
        let again = Again { request: request.clone(), left, images: Vec::new() };
        Ok(drawing.exchange(call, Outgoing::Send(request), &self.target, again))
    }

    fn change(&self, call: &Call<'_>) -> Result<Exchange> {
        if !call.form {
            return Err(Error::invalid("image", "`image` is required, in a form (multipart/form-data)"));
        }
        let path = path(call.model);
        let (drawing, mut fields) = self.fields(call, path)?;
        if drawing.count > 1 {
            return Err(Error::invalid("n", "`n` must be 1 where an image is changed"));
        }
        let mut default = |name: &str, value: &str| {
            if fields.iter().all(|(set, _)| set != name) {
                fields.push((name.to_owned(), value.to_owned()));
            }
        };
        if path.starts_with("generate/") {
            default("strength", STRENGTH);
            if path == DIFFUSION {
                default("mode", "image-to-image");
            }
        }
        let request = self.request(path, Bytes::new())?;
        let again = Again { request: request.clone(), left: 0, images: Vec::new() };
        let exchange = drawing.exchange(call, Outgoing::Send(request), &self.target, again);
        Ok(exchange.with_form(FormEdits::files(FILES, fields)))
    }
}

/// Where a model is asked, by the words of its name: `stable-image-` and versions may stand around them.
fn path(model: &str) -> &'static str {
    let found = PATHS.iter().find(|(name, _)| {
        model == *name
            || model.strip_prefix("stable-image-").is_some_and(|rest| rest.starts_with(name))
            || (name.starts_with("stable-image") && model.starts_with(name))
            || model
                .strip_prefix("stable-")
                .is_some_and(|rest| rest.starts_with(name) && !rest.starts_with("image"))
    });
    match found {
        Some((_, path)) => path,
        None if model == "ultra" => "generate/ultra",
        None if model == "core" => "generate/core",
        None => DIFFUSION,
    }
}

/// A form of texts.
fn form(fields: &[(String, String)]) -> Bytes {
    let part = |(name, value): &(String, String)| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts: String = fields.iter().map(part).collect();
    format!("{parts}--{BOUNDARY}--\r\n").into()
}

/// The same again, until there are as many images as are wanted: each answer has one.
struct Again {
    request: Request<Bytes>,
    left: u64,
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Answer {
    image: String,
    finish_reason: Option<String>,
}

impl Painter for Again {
    fn look(&mut self, answer: &StepAnswer<'_>) -> Result<Painted> {
        let answer: Answer = hearing::json(answer.body)?;
        if answer.finish_reason.as_deref() == Some("CONTENT_FILTERED") {
            let message = "Stability AI's filter has blurred the image";
            return Err(Error::upstream(ErrorKind::ContentPolicy, message));
        }
        self.images.push(Image::Encoded(answer.image));
        if self.left == 0 {
            return Ok(Painted::Images(std::mem::take(&mut self.images)));
        }
        self.left = self.left.saturating_sub(1);
        Ok(Step::ask(self.request.clone()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_paths_of_their_own() {
        for (model, expected) in [
            ("stable-image-ultra", "generate/ultra"),
            ("stable-image-core", "generate/core"),
            ("ultra", "generate/ultra"),
            ("sd3.5-large", "generate/sd3"),
            ("sd3", "generate/sd3"),
            ("inpaint", "edit/inpaint"),
            ("stable-image-inpaint-v1:0", "edit/inpaint"),
            ("stable-image-style-transfer-v1:0", "control/style-transfer"),
            ("stable-outpaint-v1:0", "edit/outpaint"),
            ("stable-conservative-upscale-v1:0", "upscale/conservative"),
        ] {
            assert_eq!(path(model), expected, "{model}");
        }
    }
}
