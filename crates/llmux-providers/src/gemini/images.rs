//! Images by Google's models: those of the Gemini family draw inside an answer, Imagen has a method of its own. Forms by
//! the references of `generateContent` and `predict`.

use bytes::Bytes;
use http::Request;
use llmux_core::{Call, Error, ErrorKind, Exchange, Outgoing, Result, Step, StepAnswer, Usage};
use llmux_wire::gemini;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Gemini, model};
use crate::{
    drawing::{Drawing, Image, Painted, Painter},
    hearing,
};

impl Gemini {
    /// A drawing from a prompt.
    pub(super) fn draw(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut drawing = Drawing::of(call, &self.settings, "Gemini")?.with_prompt()?;
        let name = model(call);
        if name.starts_with("imagen") {
            let request = self.target.post(&self.uri(name, "predict")?, imagen(&mut drawing));
            let painter: fn(&[u8]) -> Result<Vec<Image>> = predicted;
            return Ok(drawing.exchange(call, Outgoing::Send(request), &self.target, painter));
        }
        let request = self.target.post(&self.uri(name, "generateContent")?, asked(&mut drawing));
        let painter = Sketches {
            request: request.clone(),
            left: drawing.count.saturating_sub(1),
            images: Vec::new(),
            usage: Usage::default(),
        };
        Ok(drawing.exchange(call, Outgoing::Send(request), &self.target, painter))
    }
}

/// What Imagen is asked.
fn imagen(drawing: &mut Drawing) -> Bytes {
    let mut parameters = Map::new();
    parameters.insert("sampleCount".into(), drawing.count.into());
    parameters.extend(drawing.aspect().map(|aspect| ("aspectRatio".to_owned(), aspect.into())));
    let format = drawing.format.take().map(|format| json!({ "mimeType": format!("image/{format}") }));
    parameters.extend(format.map(|format| ("outputOptions".to_owned(), format)));
    parameters.extend(std::mem::take(&mut drawing.own));
    json!({ "instances": [{ "prompt": drawing.prompt }], "parameters": parameters }).to_string().into()
}

/// What a model of the Gemini family is asked.
fn asked(drawing: &mut Drawing) -> Bytes {
    let mut generation = Map::new();
    generation.insert("responseModalities".into(), json!(["TEXT", "IMAGE"]));
    let aspect = drawing.aspect().map(|aspect| json!({ "aspectRatio": aspect }));
    generation.extend(aspect.map(|aspect| ("imageConfig".to_owned(), aspect)));
    if let Some(Value::Object(own)) = drawing.own.remove("generationConfig") {
        generation.extend(own);
    }
    let mut body = std::mem::take(&mut drawing.own);
    body.insert("contents".into(), json!([{ "role": "user", "parts": [{ "text": drawing.prompt }] }]));
    body.insert("generationConfig".into(), generation.into());
    Value::Object(body).to_string().into()
}

#[derive(Deserialize)]
struct Predictions {
    #[serde(default)]
    predictions: Vec<Prediction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prediction {
    bytes_base64_encoded: Option<String>,
    rai_filtered_reason: Option<String>,
}

/// Reads Imagen's answer.
fn predicted(body: &[u8]) -> Result<Vec<Image>> {
    let answer: Predictions = hearing::json(body)?;
    let (mut images, mut refused) = (Vec::new(), None);
    for prediction in answer.predictions {
        images.extend(prediction.bytes_base64_encoded.map(Image::Encoded));
        refused = prediction.rai_filtered_reason.or(refused);
    }
    match refused.filter(|_| images.is_empty()) {
        Some(reason) => Err(Error::upstream(ErrorKind::ContentPolicy, reason)),
        // A filter may leave nothing without a word.
        None if images.is_empty() => Err(nothing_drawn()),
        None => Ok(images),
    }
}

fn nothing_drawn() -> Error {
    Error::upstream(ErrorKind::ContentPolicy, "Google's filter let no image through")
}

/// Answers of the Gemini family: one image each, so it is asked as often as images are wanted.
struct Sketches {
    request: Request<Bytes>,
    left: u64,
    images: Vec<Image>,
    usage: Usage,
}

impl Sketches {
    fn count(&mut self, more: &Usage) {
        let usage = &mut self.usage;
        for (sum, more) in [
            (&mut usage.input, more.input),
            (&mut usage.input_image, more.input_image),
            (&mut usage.output, more.output),
            (&mut usage.output_image, more.output_image),
            (&mut usage.reasoning, more.reasoning),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

impl Painter for Sketches {
    fn look(&mut self, answer: &StepAnswer<'_>) -> Result<Painted> {
        let drawn = gemini::read_images(answer.body)?;
        if drawn.images.is_empty() {
            let why = drawn.words.filter(|words| !words.is_empty());
            return Err(why.map_or_else(nothing_drawn, |words| {
                Error::upstream(ErrorKind::BadReply, format!("the model drew nothing and said: {words}"))
            }));
        }
        self.images.extend(drawn.images.into_iter().map(Image::Encoded));
        self.count(&drawn.usage);
        if self.left > 0 {
            self.left = self.left.saturating_sub(1);
            return Ok(Step::ask(self.request.clone()).into());
        }
        Ok(Painted::Images(std::mem::take(&mut self.images)))
    }

    fn usage(&self) -> Option<Usage> {
        Some(self.usage)
    }
}
