//! Black Forest Labs: images, each drawn by a job.
//!
//! Source: "Generating images" and "Get result" of Black Forest Labs' API reference.

use bytes::Bytes;
use http::{Request, Uri};
use llmux_core::{
    Call, Error, ErrorKind, Exchange, Operation, Outgoing, ProviderSettings, Result, Step, StepAnswer,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    account::{Account, Host},
    drawing::{Drawing, Image, Painted, Painter},
    hearing::{self, failed, pause},
    target::{Target, segment},
};

pub(crate) static ACCOUNT: Account = Account {
    name: "black_forest_labs",
    title: "Black Forest Labs",
    base_url: "https://api.bfl.ai",
    key_env: &["BFL_API_KEY", "BLACK_FOREST_LABS_API_KEY"],
    base_env: &["BFL_API_BASE"],
    auth: ("x-key", ""),
};

/// Jobs are looked at where they run: below these domains.
const OWN: &[&str] = &["bfl.ai", "bfl.ml"];

/// Black Forest Labs, bound to a deployment's settings.
pub(crate) struct BlackForestLabs {
    settings: ProviderSettings,
    target: Target,
}

impl Host for BlackForestLabs {
    const ACCOUNT: &'static Account = &ACCOUNT;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let target = ACCOUNT.target(settings)?;
        let _: Uri = target.uri("/v1")?;
        Ok(Self { settings: settings.clone(), target })
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::ImageGeneration => self.draw(call),
            _ => Err(ACCOUNT.lacks(call)),
        }
    }
}

impl BlackForestLabs {
    fn draw(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut drawing = Drawing::of(call, &self.settings, ACCOUNT.title)?.with_prompt()?;
        let uri = self.target.uri(&format!("/v1/{}", segment(call.model)))?;
        let mut body = Map::new();
        body.insert("prompt".into(), drawing.prompt.as_str().into());
        if let Some((width, height)) = drawing.size {
            if ["ultra", "kontext"].iter().any(|word| call.model.contains(word)) {
                body.extend(drawing.aspect().map(|aspect| ("aspect_ratio".to_owned(), aspect.into())));
            } else {
                body.insert("width".into(), grid(width).into());
                body.insert("height".into(), grid(height).into());
            }
        }
        body.extend(drawing.format.take().map(|format| ("output_format".to_owned(), format.into())));
        body.extend(std::mem::take(&mut drawing.own));
        let request = self.target.post(&uri, Value::Object(body).to_string().into());
        let job = Job {
            target: self.target.clone(),
            left: drawing.count.saturating_sub(1),
            request: request.clone(),
            polling: None,
            looked: 0,
            images: Vec::new(),
        };
        Ok(drawing.exchange(call, Outgoing::Send(request), &self.target, job))
    }
}

/// Sides are multiples of 32 pixels.
fn grid(side: u64) -> u64 {
    (side.saturating_add(16) / 32).max(1).saturating_mul(32)
}

/// One job after the other, an image each.
struct Job {
    target: Target,
    request: Request<Bytes>,
    /// Jobs that are still to be handed in.
    left: u64,
    /// Where the job at hand is looked at.
    polling: Option<String>,
    looked: u32,
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct State {
    id: Option<String>,
    polling_url: Option<String>,
    status: Option<String>,
    result: Option<Drawn>,
    details: Option<Value>,
}

#[derive(Deserialize)]
struct Drawn {
    sample: Option<String>,
}

impl Painter for Job {
    fn look(&mut self, answer: &StepAnswer<'_>) -> Result<Painted> {
        let state: State = hearing::json(answer.body)?;
        match state.status.as_deref() {
            Some("Ready") => {
                let sample = state.result.and_then(|drawn| drawn.sample);
                self.images.extend(sample.map(|url| Image::at(&url)));
                if self.left == 0 {
                    return Ok(Painted::Images(std::mem::take(&mut self.images)));
                }
                self.left = self.left.saturating_sub(1);
                (self.polling, self.looked) = (None, 0);
                return Ok(Step::ask(self.request.clone()).into());
            }
            Some(status @ ("Request Moderated" | "Content Moderated")) => {
                let message = format!("Black Forest Labs' filter has refused it: {status}");
                return Err(Error::upstream(ErrorKind::ContentPolicy, message));
            }
            Some(status @ ("Error" | "Failed" | "Task not found")) => {
                let details = state.details.map(|details| format!("{status}: {details}"));
                return Err(failed(ACCOUNT.title, Some(details.as_deref().unwrap_or(status))));
            }
            _ => {}
        }
        if self.polling.is_none() {
            let result = || {
                state.id.as_ref().map(|id| format!("{}/v1/get_result?id={}", self.target.base(), segment(id)))
            };
            self.polling = state.polling_url.or_else(result);
        }
        let request = self.target.follow(self.polling.as_deref().unwrap_or_default(), OWN)?;
        let after = pause(self.looked);
        self.looked = self.looked.saturating_add(1);
        Ok(Step::ask_after(after, request).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_come_to_lie_on_the_grid() {
        assert_eq!([1024, 1000, 1, 1791].map(grid), [1024, 992, 32, 1792]);
    }
}
